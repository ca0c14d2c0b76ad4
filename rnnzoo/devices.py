"""Which devices a training runs on, said in one line."""

import os
from typing import Any, NamedTuple

from rnnzoo.errors import closest


class Devices(NamedTuple):
    """A choice of devices.

    Attributes:
        strategy: The `tf.distribute.Strategy` that a model is built and trained under.
        description: One line that says what was chosen, and why.
    """

    strategy: Any
    description: str


def strategy(devices: str = "auto") -> Devices:
    """Chooses the devices to train on.

    One device trains as `fit` does; several share each batch through
    `tf.distribute.MirroredStrategy`, which gives the same gradients. Virtual CPU
    devices, to rehearse that, can only be made before TensorFlow has used the CPU.

    Args:
        devices: `"auto"`: all GPUs if there are any, else the CPU; `"cpu"`; `"gpu"`:
            all GPUs; or a number: that many GPUs, or virtual CPU devices where there is
            no GPU.

    Returns:
        The strategy, and the line that says what was chosen.

    Raises:
        ValueError: If the devices are not there, or `devices` is none of these.

    Example:
        >>> from rnnzoo.devices import strategy
        >>> strategy("cpu").description
        'Devices: 1 CPU, as asked, float32'
    """
    import keras
    import tensorflow as tf

    precision = keras.config.dtype_policy().name
    gpus = tf.config.list_physical_devices("GPU")
    default = tf.distribute.get_strategy()
    cores = len(os.sched_getaffinity(0))

    def chosen(strategy: Any, what: str, why: str) -> Devices:
        return Devices(strategy, f"Devices: {what}, {why}, {precision}")

    def several(kind: str, count: int, why: str) -> Devices:
        names = [f"{kind}:{index}" for index in range(count)]
        mirrored = tf.distribute.MirroredStrategy(names)
        return chosen(mirrored, f"{count} x {kind} mirrored", why)

    devices = str(devices)
    if devices == "auto" and not gpus:
        return chosen(
            default,
            f"1 CPU ({cores} {'core' if cores == 1 else 'cores'})",
            "there is no GPU",
        )
    if devices == "cpu":
        only = tf.distribute.OneDeviceStrategy("/cpu:0") if gpus else default
        return chosen(only, "1 CPU", "as asked")
    if devices in ("auto", "gpu") or (devices.isdecimal() and gpus):
        count = int(devices) if devices.isdecimal() else len(gpus)
        if not gpus or not 0 < count <= len(gpus):
            raise ValueError(
                f"TensorFlow finds {len(gpus)} GPUs. Ask for what is there, or for "
                f"'auto'. Received: devices={devices!r}"
            )
        why = "all there are" if devices == "auto" else "as asked"
        if count == 1:
            return chosen(tf.distribute.OneDeviceStrategy("/gpu:0"), "1 GPU", why)
        return several("GPU", count, why)
    if devices.isdecimal() and int(devices):
        count = int(devices)
        cpu = tf.config.list_physical_devices("CPU")[0]
        try:
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * count
            )
        except RuntimeError as error:
            if len(tf.config.list_logical_devices("CPU")) < count:
                raise ValueError(
                    "Virtual CPU devices must be made before TensorFlow is used: "
                    f"choose devices first. Received: devices={devices!r}"
                ) from error
        if count == 1:
            return chosen(default, "1 CPU", "as asked")
        return several("CPU", count, "virtual devices, as asked")
    choices = ("auto", "cpu", "gpu")
    raise ValueError(
        f"devices must be 'auto', 'cpu', 'gpu' or a number.{closest(devices, choices)} "
        f"Received: devices={devices!r}"
    )

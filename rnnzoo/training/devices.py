"""The devices and the precision of a training, and one line that describes them."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rnnzoo.errors import check_choice, check_number, closest, shorten
from rnnzoo.layers.threads import count_cores
from rnnzoo.training.workers import read_slurm

KINDS = ("auto", "cpu", "gpu", "tpu", "multi_worker")
# Environment variables of machines with a TPU.
TPU_VARIABLES = ("TPU_NAME", "COLAB_TPU_ADDR", "TPU_WORKER_HOSTNAMES")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
# Seconds that a machine waits for the others, unless RNNZOO_PATIENCE says another.
PATIENCE = 120.0


class Devices(NamedTuple):
    """A choice of devices.

    Attributes:
        strategy: The `tf.distribute.Strategy` to build and train a model under.
        description: One line that says what was chosen, and why.
        precision: Name of the Keras dtype policy to build a model under.
        is_chief: Whether this process writes the run folder, as one machine does.
        machine: Number of this machine, or process, from 0: its shard of a file.
        num_machines: Number of machines, or processes, that train together.
    """

    strategy: Any
    description: str
    precision: str = "float32"
    is_chief: bool = True
    machine: int = 0
    num_machines: int = 1

    @property
    def has_several_machines(self) -> bool:
        """Whether other processes take part."""
        return isinstance(self.strategy, tf.distribute.MultiWorkerMirroredStrategy)

    @property
    def needs_static_shapes(self) -> bool:
        """Whether every batch must have the same shape, as on a TPU."""
        return isinstance(self.strategy, tf.distribute.TPUStrategy)

    def sum_over_machines(self, value: float) -> float:
        """Returns the sum of a number over all machines, which must all call this."""
        values = self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(value)
        )
        return float(self.strategy.reduce("SUM", values, axis=None))

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """A context that builds models for these devices, in this precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.precision)
        try:
            with self.strategy.scope():
                yield
        finally:
            keras.config.set_dtype_policy(before)


def choose_devices(
    devices: str | int = "auto", count: int | None = None, precision: str = "auto"
) -> Devices:
    """Chooses the devices to train on, or raises `ValueError` if they are not there.

    Several devices share each batch, with the losses and gradients of one device.
    Virtual CPU devices and several machines must be chosen before TensorFlow is used.

    Args:
        devices: `"auto"`: several machines if `TF_CONFIG` names them, or if `srun` of
            Slurm has started several tasks; else a TPU if there is one, else all GPUs,
            else the CPU; `"cpu"`; `"gpu"`; `"tpu"`; `"multi_worker"`: the machines of
            `TF_CONFIG` or Slurm; or a number, which is `"auto"` with that `count`.
        count: Number of GPUs, or of virtual CPU devices, that share each batch.
            Default: all GPUs, or one CPU device.
        precision: `"float32"`, `"mixed_bfloat16"`, `"mixed_float16"` (with loss
            scaling), or `"auto"`: mixed_bfloat16 on a TPU, else float32.

    Example:
        >>> from rnnzoo.training.devices import choose_devices
        >>> choose_devices("cpu").description
        'Devices: 1 CPU, as asked, float32, XLA off'
    """
    check_choice("precision", precision, PRECISIONS)
    why = "as asked"
    kind = str(devices)
    if kind.isdecimal():
        kind, count = "auto", int(kind)
    if kind not in KINDS:
        raise ValueError(
            f"devices must be one of {', '.join(map(repr, KINDS))}, or a number."
            f"{closest(kind, KINDS)} Received: devices={devices!r}"
        )
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1. Received: count={count!r}")

    # Before devices are looked for: each task of Slurm has its own GPUs.
    has_slurm = kind in ("auto", "multi_worker") and read_slurm()
    gpus = tf.config.list_physical_devices("GPU")
    if kind == "auto":
        if _read_cluster()[0]:
            kind, why = "multi_worker", "TF_CONFIG names them"
            why = "Slurm has started them" if has_slurm else why
        elif any(map(os.environ.get, TPU_VARIABLES)):
            kind, why = "tpu", "there is one"
        elif gpus:
            kind, why = "gpu", "all there are" if count is None else why
        else:
            kind, why = "cpu", "there is no GPU" if count is None else why

    machine, machines = 0, 1
    if kind == "multi_worker":
        strategy, what, machine, machines = _choose_machines()
    elif kind == "tpu":
        strategy, what = _choose_tpu()
    elif kind == "gpu":
        strategy, what = _choose_gpus(len(gpus), count)
    else:
        strategy, what = _choose_cpus(count or 1)
    if precision == "auto":
        precision = "mixed_bfloat16" if kind == "tpu" else "float32"
    xla = "XLA on" if kind == "tpu" else "XLA off"
    line = f"Devices: {what}, {why}, {precision.replace('_', ' ')}, {xla}"
    return Devices(strategy, line, precision, machine == 0, machine, machines)


def _choose_cpus(count: int) -> tuple[Any, str]:
    """Returns a strategy, and its description."""
    if count == 1:
        if tf.config.list_physical_devices("GPU"):
            return tf.distribute.OneDeviceStrategy("/cpu:0"), "1 CPU"
        return tf.distribute.get_strategy(), "1 CPU"
    device = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(
            device, [tf.config.LogicalDeviceConfiguration()] * count
        )
        # Each replica gets cores of its own: several slow small matrix products down.
        threads = max(1, count_cores() // count)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(max(count, count_cores()))
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) < count:
            raise ValueError(
                "Virtual CPU devices must be made before TensorFlow is used: choose "
                f"devices first. Received: {count} devices"
            ) from error
    # Collective operations cannot be used with several numbers of devices.
    reduction = tf.distribute.ReductionToOneDevice()
    names = [f"CPU:{index}" for index in range(count)]
    mirrored = tf.distribute.MirroredStrategy(names, cross_device_ops=reduction)
    return mirrored, f"{count} x CPU mirrored (virtual devices)"


def _choose_gpus(present: int, count: int | None) -> tuple[Any, str]:
    wanted = count or max(present, 1)
    if wanted > present:
        raise ValueError(
            f"TensorFlow finds {present} GPUs. Ask for what is there, or for 'auto'. "
            f"Received: devices='gpu', count={count!r}"
        )
    if wanted == 1:
        return tf.distribute.OneDeviceStrategy("/gpu:0"), "1 GPU"
    names = [f"GPU:{index}" for index in range(wanted)]
    return tf.distribute.MirroredStrategy(names), f"{wanted} x GPU mirrored"


def _choose_tpu() -> tuple[Any, str]:
    counts = [f"{len(tf.config.list_physical_devices(k))} {k}" for k in ("CPU", "GPU")]
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            os.environ.get("TPU_NAME", "")
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        strategy = tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        raise ValueError(
            f"TensorFlow finds {' and '.join(counts)}, and no TPU: "
            f"{str(error).splitlines()[0]}. On a TPU machine TPU_NAME names it "
            "('local' on the machine itself). Received: devices='tpu'"
        ) from error
    return strategy, f"TPU with {strategy.num_replicas_in_sync} cores"


def _read_cluster() -> tuple[list[str], str]:
    """Returns the addresses of the machines that `TF_CONFIG` names, and that of this.

    Both are empty if it names none. Raises `ValueError` for whatever TensorFlow would
    fail on, or wait for without end.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text or "{}")
        cluster, task = config.get("cluster") or {}, config.get("task") or {}
        kind, index = task.get("type"), task.get("index")
        for addresses in cluster.values():
            if not isinstance(addresses, list):
                raise ValueError("the addresses of a kind of task are no list")
    except (ValueError, AttributeError, RecursionError) as error:
        raise _explain_cluster("It must be JSON", text) from error
    if not cluster:
        return [], ""
    if unknown := set(cluster) - {"chief", "worker"}:
        raise ValueError(
            "TF_CONFIG may name workers and a chief, which all compute alike. "
            f"Received: cluster with {shorten(', '.join(sorted(unknown)), str)}"
        )
    machines = [*cluster.get("chief", []), *cluster.get("worker", [])]
    for address in machines:
        _, _, port = str(address).rpartition(":")
        is_port = port.isascii() and port.isdecimal() and 0 < int(port[:9]) < 2**16
        if not isinstance(address, str) or not is_port or address.startswith(":"):
            wrong = f"Every address must be a host and a port, not {shorten(address)}"
            raise _explain_cluster(wrong, text)
    if len(set(machines)) < len(machines):
        twice = next(one for one in machines if machines.count(one) > 1)
        raise _explain_cluster(f"Every address may be there once, unlike {twice}", text)
    if len(cluster.get("chief", [])) > 1:
        raise _explain_cluster("There may be one chief", text)
    # Some programs that write TF_CONFIG make a text of it.
    index = int(index[:9]) if isinstance(index, str) and index.isdecimal() else index
    is_kind = isinstance(kind, str) and kind in cluster
    if not is_kind or not isinstance(index, int) or isinstance(index, bool):
        wrong = "Its task must say which machine of the cluster this is, by type and an"
        raise _explain_cluster(f"{wrong} integer index", text)
    if not 0 <= index < len(cluster[kind]):
        raise _explain_cluster("Its task must be one of its cluster's", text)
    return machines, cluster[kind][index]


def _explain_cluster(wrong: str, text: str) -> ValueError:
    return ValueError(
        f"TF_CONFIG names the machines that train together. {wrong}, such as "
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}. '
        f"Received: TF_CONFIG={shorten(text, limit=500)}"
    )


def _choose_machines() -> tuple[Any, str, int, int]:
    """Returns a strategy, its description, and which of how many machines this is."""
    machines, here = _read_cluster()
    if not machines:
        raise ValueError(
            "devices='multi_worker' needs the machines in TF_CONFIG, or several tasks "
            "of Slurm's srun; --workers=N starts N workers on this machine. Received: "
            "TF_CONFIG="
            f"{os.environ.get('TF_CONFIG', '')!r}"
        )
    place = machines.index(here)
    _wait_for_machines(here, [address for address in machines if address != here])
    what = f"{len(machines)} machines mirrored, this is number {place + 1}"
    return tf.distribute.MultiWorkerMirroredStrategy(), what, place, len(machines)


def _read_patience() -> float:
    """Returns how many seconds to wait for the other machines."""
    text = os.environ.get("RNNZOO_PATIENCE", str(PATIENCE))
    try:
        seconds = float(text)
        check_number("RNNZOO_PATIENCE", seconds, above=0)
    except ValueError as error:
        raise ValueError(
            "RNNZOO_PATIENCE must be a number of seconds above 0. Received: "
            f"RNNZOO_PATIENCE={shorten(text)}"
        ) from error
    return seconds


def _wait_for_machines(here: str, others: list[str]) -> None:
    """Waits, interruptibly, until all machines can reach each other."""
    patience = _read_patience()
    start = time.monotonic()
    reached: set[str] = set()
    seen: set[str] = set()
    announced = False
    try:
        opened = socket.create_server(("", int(here.rsplit(":", 1)[1])))
    except OSError as error:
        raise OSError(
            "This machine must be able to listen at its address of TF_CONFIG: end what "
            f"else does, or choose another port ({error.strerror}). Received: {here!r}"
        ) from error
    with opened as server:
        server.settimeout(0.2)
        while missing := [a for a in others if a not in reached & seen]:
            waited = time.monotonic() - start
            names = ", ".join(missing)
            if waited > patience:
                raise ConnectionError(
                    f"Not all machines came within {patience:.0f} s. Start the same "
                    "command on every machine of TF_CONFIG, and check that they can "
                    f"reach each other. Missing: {names}"
                )
            if waited > 5 and not announced:
                print(f"Waiting up to {patience:.0f} s for {names}", flush=True)
                announced = True
            for address in set(others) - reached:
                host, port = address.rsplit(":", 1)
                with contextlib.suppress(OSError):
                    with socket.create_connection((host, int(port)), 1) as connection:
                        connection.sendall(here.encode())
                    reached.add(address)
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(1)
                    seen.add(connection.recv(1000).decode(errors="replace"))

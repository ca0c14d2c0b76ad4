"""Four virtual CPU devices for every test, made before TensorFlow is used."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 4,
)
# Workers of pytest-xdist share the cores.
if "PYTEST_XDIST_WORKER" in os.environ:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)

# What is imported stays: the garbage collector need not look at it again and again.
gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Gives a module's tests to one process, and those of one model's contract.

    What they share, such as fixtures and compiled models, is then made once.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = item.path.stem
            if group == "test_contract" and hasattr(item, "callspec"):
                name = item.callspec.params.get("name", "")
                group = f"contract of {name.partition('.')[0]}"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def same_random_numbers():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True, scope="module")
def no_leftovers():
    yield
    keras.backend.clear_session()

"""How many cores and threads there are to compute with."""

import os


def count_cores() -> int:
    """Returns the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_threads() -> int:
    """Returns on how many cores TensorFlow computes one operation."""
    import tensorflow as tf

    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0) or count_cores()

"""Worker processes that train together: on this machine, to try it, or under Slurm.

On other machines, start the same command on each with `TF_CONFIG` set.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

# Environment variable of a worker: the id of the process that started it.
PARENT = "RNNZOO_PARENT"
# Seconds that workers have to end by themselves once one of them has failed.
GRACE = 5.0


def run_workers(count: int, words: list[str]) -> int:
    """Runs `rnnzoo WORDS` in `count` processes that train together.

    Ctrl-C and SIGTERM are forwarded; when one worker dies, the others are stopped.
    Returns 0, the exit status of interrupted workers, or 1 if one has failed.
    """
    from rnnzoo.layers.threads import count_cores

    addresses = _find_free_addresses(count)
    threads = str(max(1, count_cores() // count))
    workers = []
    for index in range(count):
        config = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        environment = os.environ | {
            "TF_CONFIG": json.dumps(config),
            PARENT: str(os.getpid()),
            "TF_NUM_INTRAOP_THREADS": os.environ.get("TF_NUM_INTRAOP_THREADS", threads),
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "rnnzoo.command", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=None if index == 0 else subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches this process only, which forwards it once.
            start_new_session=True,
        )
        workers.append(worker)

    def forward(number: int, frame: Any) -> None:
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, forward) for number in numbers}
    try:
        return _wait(workers, addresses)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()


def _wait(workers: list[subprocess.Popen], addresses: list[str]) -> int:
    while True:
        time.sleep(0.2)
        statuses: list[Any] = [worker.poll() for worker in workers]
        failed = [i for i, s in enumerate(statuses) if s not in (None, 0, 130, 143)]
        if not failed:
            if None not in statuses:
                return statuses[0]
            continue
        end = time.monotonic() + GRACE
        while time.monotonic() < end and None in [w.poll() for w in workers]:
            time.sleep(0.2)
        status = statuses[failed[0]]
        name = signal.Signals(-status).name if status < 0 else ""
        how = f"by {name}" if name else f"with status {status}"
        print(
            f"rnnzoo: worker {failed[0] + 1} of {len(workers)} "
            f"({addresses[failed[0]]}) ended {how}; the others were stopped. Once "
            "the cause is fixed, the same command resumes from the last checkpoint",
            file=sys.stderr,
        )
        return 1


def read_slurm() -> bool:
    """Sets `TF_CONFIG` for a task that Slurm's `srun` has started with others.

    TensorFlow's `SlurmClusterResolver` reads Slurm's variables. Returns whether there
    are other tasks; without them, or if `TF_CONFIG` is set, nothing is changed.

    Raises:
        ValueError: If Slurm's variables do not say what they should.
    """
    count = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    if os.environ.get("TF_CONFIG") or PARENT in os.environ or count == "1":
        return False
    import tensorflow as tf

    try:
        per_node = _count_tasks(os.environ["SLURM_STEP_TASKS_PER_NODE"])
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=_choose_slurm_port(),
            # Whatever there are: nodes without GPUs would be refused.
            gpus_per_node=per_node,
            gpus_per_task=1,
            auto_set_gpu=False,
        )
        addresses = resolver.cluster_spec().as_dict()["worker"]
        index = resolver.get_task_info()[1]
    except (KeyError, RuntimeError, ValueError, AssertionError) as error:
        shown = [
            f"{k}={v}" for k, v in os.environ.items() if k.startswith("SLURM_STEP")
        ]
        raise ValueError(
            "srun of Slurm must say which tasks train together (SLURM_STEP_NODELIST, "
            "SLURM_STEP_TASKS_PER_NODE, SLURM_PROCID): start the command with srun, or "
            "set TF_CONFIG yourself. Received: "
            f"{type(error).__name__}: {error}; {', '.join(sorted(shown))}"
        ) from error
    # The resolver sorts the nodes by name and takes tasks to be in that order; which
    # node this is and which of its tasks, Slurm says as well.
    node, local = os.environ.get("SLURMD_NODENAME"), os.environ.get("SLURM_LOCALID")
    here = f"{node}:{_choose_slurm_port() + int(local or 0)}"
    index = addresses.index(here) if here in addresses else index
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    is_shared = "SLURM_GPUS_PER_TASK" not in os.environ
    if local and is_shared and len(gpus) >= per_node > 1:
        # All tasks of a node see all of its GPUs: each takes its part.
        share, first = len(gpus) // per_node, int(local)
        own = gpus[first * share : (first + 1) * share]
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(own)
    task = {"type": "worker", "index": index}
    config = {"cluster": {"worker": addresses}, "task": task}
    os.environ["TF_CONFIG"] = json.dumps(config)
    return True


def _count_tasks(text: str) -> int:
    """Returns the largest number of tasks on a node, of `2(x3),1`."""
    return max(int(part.partition("(")[0]) for part in text.split(","))


def _choose_slurm_port() -> int:
    """Returns the port of a node's first task: `RNNZOO_PORT`, or one of the job's."""
    # Jobs share nodes, and each job's tasks take ports one after the other.
    job = int(os.environ.get("SLURM_JOB_ID", "0"))
    return int(os.environ.get("RNNZOO_PORT", 12_000 + 32 * (job % 600)))


def is_worker() -> bool:
    """Returns whether `run_workers` has started this process."""
    return PARENT in os.environ


def end_with_parent() -> None:
    """Makes a worker process end when the process that started it is gone."""
    parent = int(os.environ.get(PARENT, 0))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if parent:
        threading.Thread(target=watch, daemon=True).start()


def _find_free_addresses(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]

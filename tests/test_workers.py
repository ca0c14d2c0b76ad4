"""Several worker processes on this machine, as `rnnzoo train --workers=N` starts them.

Every test starts real processes.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import rnnzoo
from rnnzoo import training

SMALL = "--units=8 --max_length=4 --batch_size=8 --epochs=2 --steps_per_epoch=6".split()
LONG = [*SMALL[:-1], "--steps_per_epoch=300", "--checkpoint_every=10"]


def start(run, *options, **environment):
    command = [sys.executable, "-m", "rnnzoo.command", "train", "sort_naturals"]
    return subprocess.Popen(
        [*command, f"--run={run}", *options],
        env=os.environ | {"TF_NUM_INTEROP_THREADS": "2"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def assert_same_training(one, other, rtol=1e-3):
    histories = [training.read_history(run) for run in (one, other)]
    for a, b in zip(*histories, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=rtol)
        assert a["val_loss"] == pytest.approx(b["val_loss"], rel=rtol)
    models = [rnnzoo.load(run / "best.keras") for run in (one, other)]
    weights = [model.get_weights() for model in models]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def wait_for(condition, process):
    end = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def children(process):
    """Returns the worker processes, the chief first."""
    text = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in text.split()]


@pytest.mark.slow
def test_two_workers_train_as_one(tmp_path):
    one, two = (
        start(tmp_path / "one", *SMALL),
        start(tmp_path / "two", *SMALL, "--workers=2"),
    )
    finish(one)
    out = finish(two)
    assert "2 machines mirrored, this is number 1" in out
    assert out.count("Samples after epoch 2") == 1  # the chief alone
    assert_same_training(tmp_path / "one", tmp_path / "two")
    files = {path.name for path in (tmp_path / "two").iterdir()}
    assert {"settings.json", "history.csv", "best.keras", "last.keras"} <= files


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_loses_nothing(tmp_path, victim):
    whole = start(tmp_path / "whole", *LONG, "--workers=2")
    finish(whole)
    run = tmp_path / "run"
    killed = start(run, *LONG, "--workers=2")
    wait_for((run / "previous.keras").exists, killed)
    os.kill(children(killed)[victim], signal.SIGKILL)
    _, err = killed.communicate(timeout=60)
    assert killed.returncode == 1
    assert f"worker {victim + 1} of 2" in err and "ended by SIGKILL" in err
    out = finish(start(run, *LONG, "--workers=2"))
    assert "Resuming" in out
    assert_same_training(tmp_path / "whole", run, rtol=1e-6)


@pytest.mark.slow
def test_workers_stop_together_and_go_on_as_one(tmp_path):
    finish(start(tmp_path / "whole", *LONG))
    run = tmp_path / "run"
    stopped = start(run, *LONG, "--workers=2")
    wait_for((run / "last.keras").exists, stopped)
    stopped.send_signal(signal.SIGTERM)
    _, err = stopped.communicate(timeout=60)
    assert stopped.returncode == 143
    assert err.count("Interrupted and saved at epoch") == 1
    finish(start(run, *LONG))  # other devices, the same training
    assert_same_training(tmp_path / "whole", run)


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(tmp_path):
    process = start(tmp_path / "run", *LONG, "--workers=2")
    wait_for((tmp_path / "run" / "last.keras").exists, process)
    workers = children(process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 30
    while any(pathlib.Path(f"/proc/{pid}/cmdline").exists() for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.slow
def test_a_machine_that_never_comes_is_named(tmp_path):
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in (one, other)]
    config = {
        "cluster": {"worker": addresses},
        "task": {"type": "worker", "index": 0},
    }
    process = start(
        tmp_path / "run",
        *SMALL,
        TF_CONFIG=json.dumps(config),
        RNNZOO_PATIENCE="5",
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Not all machines came within 5 s." in err
    assert f"Missing: {addresses[1]}\n" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers=0"], "--workers must be at least 1. Received: --workers=0"),
        (["--workers=2", "--devices=4"], "leave --devices out. Received: --workers=2"),
    ],
)
def test_bad_workers(tmp_path, options, message):
    process = start(tmp_path / "run", *SMALL, *options)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert message in err

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
from rnnzoo.training import workers

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


def slurm(rank, **others):
    """The variables that srun sets for a task of two on this machine."""
    return {
        "SLURM_JOB_ID": "77",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURMD_NODENAME": "localhost",
        "SLURM_PROCID": str(rank),
        "SLURM_LOCALID": str(rank),
        **others,
    }


@pytest.fixture
def clean(monkeypatch):
    """Takes away what a test sets, and what it is started with."""
    for name in [*os.environ]:
        if name.startswith("SLURM") or name in ("TF_CONFIG", "CUDA_VISIBLE_DEVICES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TF_CONFIG", "")  # so that it is taken away afterwards
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "addresses", "index"),
    [
        (slurm(1), ["localhost:14464", "localhost:14465"], 1),
        (slurm(1, RNNZOO_PORT="9000"), ["localhost:9000", "localhost:9001"], 1),
        (
            # Names that are not sorted as Slurm numbers its tasks.
            slurm(
                0,
                SLURM_STEP_NUM_TASKS="3",
                SLURM_STEP_NODELIST="n[2,10]",
                SLURM_STEP_TASKS_PER_NODE="2,1",
                SLURMD_NODENAME="n2",
            ),
            ["n10:14464", "n2:14464", "n2:14465"],
            1,
        ),
        (
            slurm(
                3,
                SLURM_STEP_NUM_TASKS="4",
                SLURM_STEP_NODELIST="gpu[07-08]",
                SLURM_STEP_TASKS_PER_NODE="2(x2)",
                SLURMD_NODENAME="gpu08",
                SLURM_LOCALID="1",
            ),
            ["gpu07:14464", "gpu07:14465", "gpu08:14464", "gpu08:14465"],
            3,
        ),
    ],
)
def test_what_slurm_says(clean, variables, addresses, index):
    for name, value in variables.items():
        clean.setenv(name, value)
    assert workers.read_slurm()
    config = json.loads(os.environ["TF_CONFIG"])
    assert config["cluster"] == {"worker": addresses}
    assert config["task"] == {"type": "worker", "index": index}


def test_tasks_of_slurm_share_the_gpus_of_their_node(clean):
    for name, value in slurm(1, CUDA_VISIBLE_DEVICES="0,1,2,3").items():
        clean.setenv(name, value)
    assert workers.read_slurm() and os.environ["CUDA_VISIBLE_DEVICES"] == "2,3"
    clean.setenv("TF_CONFIG", "")
    clean.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    clean.setenv("SLURM_GPUS_PER_TASK", "2")
    assert workers.read_slurm() and os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_what_is_no_cluster_of_slurm(clean):
    assert not workers.read_slurm()
    for name, value in slurm(0, SLURM_STEP_NUM_TASKS="1").items():
        clean.setenv(name, value)
    assert not workers.read_slurm()  # a task alone
    clean.setenv("SLURM_STEP_NUM_TASKS", "2")
    clean.setenv("TF_CONFIG", "{}")
    assert not workers.read_slurm() and os.environ["TF_CONFIG"] == "{}"
    clean.setenv("TF_CONFIG", "")
    clean.delenv("SLURM_STEP_NODELIST")
    with pytest.raises(ValueError, match="srun of Slurm must say which tasks train"):
        workers.read_slurm()


def run_together(commands):
    """Runs processes at the same time; returns what each has written."""
    running = [
        subprocess.Popen(
            command,
            env={**os.environ, "TF_NUM_INTEROP_THREADS": "2", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command, environment in commands
    ]
    return [finish(process) for process in running]


@pytest.mark.slow
def test_two_tasks_of_slurm_train_as_one(tmp_path):
    finish(start(tmp_path / "one", *SMALL))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "rnnzoo.command", "train", "sort_naturals"]
    command += [f"--run={tmp_path / 'two'}", *SMALL]
    tasks = [(command, slurm(rank, RNNZOO_PORT=port)) for rank in range(2)]
    first, second = run_together(tasks)
    expected = "Devices: 2 machines mirrored, this is number 1, Slurm has started them"
    assert expected in first and "Samples after" not in second
    assert_same_training(tmp_path / "one", tmp_path / "two")


DOCS = pathlib.Path(__file__).parent.parent / "docs"


def write_reviews(path, count=400):
    words = {"good": ["fine", "great"], "bad": ["dull", "slow"]}
    rows = [f'"{w}\n{i}",{n}' for i in range(count) for n in words for w in words[n]]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return path


def train_script(tmp_path, *options):
    data, to = write_reviews(tmp_path / "reviews.csv"), tmp_path / "moods.keras"
    script = [DOCS / "train_on_a_cluster.py", data, to, "--classes=bad,good"]
    return [*map(str, script), "--epochs=2", "--steps=20", *options], to


@pytest.mark.slow
def test_a_streamed_csv_trains_under_slurm(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words, to = train_script(tmp_path)
    command = [sys.executable, *words]
    tasks = [(command, slurm(rank, RNNZOO_PORT=port)) for rank in range(2)]
    first, second = run_together(tasks)
    assert "this is number 1" in first and "Epoch 2/2" in first
    assert "Epoch" not in second
    assert rnnzoo.load(to).classify(["great film", "slow film"]) == ["good", "bad"]


@pytest.mark.slow
def test_the_manifest_for_kubernetes(tmp_path):
    yaml = pytest.importorskip("yaml")
    text = (DOCS / "kubernetes.yaml").read_text(encoding="utf-8")
    service, job = yaml.safe_load_all(text)
    name, spec = job["metadata"]["name"], job["spec"]
    pod = spec["template"]["spec"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": name}
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"] == 2
    (container,) = pod["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables["WORKERS"] == "2"
    # The same command, for pods whose addresses are on this machine.
    words, to = train_script(tmp_path)
    shell, option, command = container["command"]
    assert (shell, option) == ("bash", "-c")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
        address = f"{name}-$i.{service['metadata']['name']}:2222"
        assert address in command
    command = command.replace(address, "127.0.0.1:$(cut -d, -f$((i + 1)) <<< $PORTS)")
    begin, _, rest = command.partition("exec python ")
    assert rest.startswith("train_on_a_cluster.py /data/reviews.csv")
    command = f"{begin}exec {sys.executable} {' '.join(words)}"
    variables["PORTS"] = ",".join(map(str, ports))
    pods = [
        ([shell, option, command], {**variables, "JOB_COMPLETION_INDEX": str(index)})
        for index in range(2)
    ]
    first, second = run_together(pods)
    assert "this is number 1, TF_CONFIG names them" in first and "Epoch" not in second
    assert rnnzoo.load(to).classify(["great film", "slow film"]) == ["good", "bad"]


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

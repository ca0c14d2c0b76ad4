"""What the environment sets: forks, options of Python, of Keras and TensorFlow."""

import logging
import os
import subprocess
import sys

import pytest
import tensorflow as tf

import rnnzoo
from rnnzoo.tokens.graphs import check_backend


def run(code, *options, **variables):
    process = subprocess.run(
        [sys.executable, *options, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return process.stdout, process.stderr


FORK = """
import os, signal, rnnzoo
model = rnnzoo.comparer()
{before}
read, write = os.pipe()
child = os.fork()
if not child:
    signal.alarm(30)  # a process that hangs ends
    for act in (lambda: model.answer("1 2"), lambda: rnnzoo.comparer(),
                lambda: model.predict([[[1.0, 2.0]]], verbose=0)):
        try:
            act()
        except RuntimeError as error:
            os.write(write, str(error).split(" Received: ")[0].encode() + b"\\n")
    os._exit(0)
os.close(write)
print(open(read).read(), os.waitpid(child, 0)[1], model.answer("1 2"))
"""


@pytest.mark.parametrize(
    "before",
    ["model.answer('1 2')", pytest.param("pass", marks=pytest.mark.slow)],
)
def test_a_fork_is_refused_where_it_would_hang(before):
    output, errors = run(FORK.format(before=before))
    *refusals, end = output.strip().splitlines()
    assert len(refusals) == 3 and len(set(refusals)) == 1, errors
    assert "get_context('spawn')" in refusals[0] and "would hang" in refusals[0]
    assert end.split() == ["0", "0"], errors


@pytest.mark.slow
def test_numbers_may_be_checked():
    tf.debugging.enable_check_numerics()
    try:
        model = rnnzoo.language_model(weights=None, units=8, num_layers=1)
        model.generate("a", max_length=4, top_k=3, top_p=0.5, stop="b")
        model.generate("a", max_length=4, repetition_penalty=1.5, temperature=1e-9)
        model.generate("a", max_length=4, beam_width=3, n_best=3)
        assert list(model.stream("a", max_length=4, temperature=0))
        model = rnnzoo.translator(weights=None, units=4)
        model.translate(["a dog", ""], n_best=3, return_attention=True)
        rnnzoo.memorizer(weights=None, units=4).answer(["123", ""])
        rnnzoo.executor(weights=None, units=4).answer("print(12)")
        rnnzoo.pattern_generator(weights=None).answer("0101")
    finally:
        tf.debugging.disable_check_numerics()


def test_many_models_answer_without_warnings_of_retracing(caplog):
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        for _ in range(5):
            assert rnnzoo.comparer().answer("1 2") == "0"
            assert rnnzoo.parity_by_hand().answer("01") == "1"
    assert "retracing" not in caplog.text


def test_another_backend_is_named(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ValueError) as error:
        check_backend("Writing texts and patterns")
    assert str(error.value) == (
        "Writing texts and patterns needs Keras' TensorFlow backend: set "
        "KERAS_BACKEND=tensorflow before Python starts (docs/devices.md says what "
        "other backends can do). Received: backend='jax'"
    )


def test_a_backend_that_is_not_installed_is_named():
    code = "import sys; sys.modules['jax'] = None; import rnnzoo; rnnzoo.sorter()"
    _, errors = run(code, KERAS_BACKEND="jax")
    last = errors.strip().splitlines()[-1]
    assert last.startswith("ImportError: KERAS_BACKEND or ~/.keras/keras.json asks for")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "variables", "cause"),
    [
        (["-OO"], {}, "Start Python without -OO"),
        ([], {"TF_USE_LEGACY_KERAS": "1"}, "Unset TF_USE_LEGACY_KERAS"),
    ],
)
def test_what_prevents_subwords_is_named(options, variables, cause):
    _, errors = run("import rnnzoo; rnnzoo.translator()", *options, **variables)
    last = errors.strip().splitlines()[-1]
    assert last.startswith("ImportError: Subwords and normalized texts need") and (
        cause in last
    )
    assert len(last) < 2000

"""Learning-rate schedules."""

import keras
import pytest

from rnnzoo.schedules import CosineCycles


def test_cycles_by_hand():
    rate = CosineCycles([1.0, 0.5], [110, 50], warmup_steps=10, alpha=0.0)
    # Warm-up to 1 at step 10, half-way down the cosine at 60, 0 at 110 where the second
    # cycle begins at 0.5, half-way down at 135, 0 from 160 on.
    for step, expected in [(0, 0), (5, 0.5), (10, 1), (60, 0.5), (110, 0.5)]:
        assert float(rate(step)) == pytest.approx(expected, abs=1e-6)
    for step, expected in [(135, 0.25), (160, 0), (1000, 0)]:
        assert float(rate(step)) == pytest.approx(expected, abs=1e-6)


def test_the_first_cycle_does_not_depend_on_the_second():
    alone = CosineCycles([1.0], [100], 10)
    both = CosineCycles([1.0, 0.1], [100, 20], 10)
    assert [float(alone(s)) for s in range(100)] == [float(both(s)) for s in range(100)]


def test_config_round_trip():
    rate = CosineCycles([1.0, 0.5], [100, 50], warmup_steps=10)
    config = keras.saving.serialize_keras_object(rate)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == rate.get_config()
    assert float(again(120)) == float(rate(120))

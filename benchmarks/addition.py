"""Adds with a recurrent network and with a feed-forward one; draws docs/addition.png.

    python benchmarks/addition.py

The feed-forward network takes all 20 binary digits of both numbers at once, and has two
hidden layers of 256 units. It is trained here on the examples of the recurrent one's
recipe, as many steps, with eight times as many pairs in each. Both are measured on
uniform random pairs that no training has seen; the feed-forward network is undefined
beyond its 20 digits. Writes benchmarks/addition.csv: the share of sums that are right
in every digit for each number of digits, and for the feed-forward network the share of
wrong digits at each position of sums of 20 digits.
"""

import numpy as np
from harness import Benchmark, make_figure

WIDTH = 20
LENGTHS = (1, 2, 3, 5, 8, 10, 13, 16, 18, 20, 30, 50, 100, 200, 500, 1000)
PAIRS = 2000
STEPS, BATCH = 6000, 256


def feed_forward_adder():
    """Trains a feed-forward network, and returns a function from pairs to bits."""
    import keras

    from rnnzoo.data.synthetic import Addition
    from rnnzoo.tokens import to_bits

    keras.utils.set_random_seed(0)

    def inputs(pairs):
        return np.concatenate([to_bits(c, WIDTH) for c in zip(*pairs, strict=True)], 1)

    def batches():
        examples = Addition(WIDTH)
        for index in range(STEPS):
            pairs, sums = examples.batch(BATCH, seed=0, index=index)
            yield inputs(pairs), to_bits(sums, WIDTH + 1)

    model = keras.Sequential(
        [
            keras.Input((2 * WIDTH,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(WIDTH + 1),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(2e-3, STEPS)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(batches(), steps_per_epoch=STEPS, verbose=0)
    print(f"The feed-forward network has {model.count_params():,} weights")
    return lambda pairs: model.predict(inputs(pairs), verbose=0) > 0


def main() -> None:
    """Measures, writes the table and draws it."""
    benchmark = Benchmark(__file__, __doc__, quick={"PAIRS": 20, "STEPS": 20})
    benchmark.parse()
    from rnnzoo import adder
    from rnnzoo.data.synthetic import random_pairs
    from rnnzoo.tokens import to_bits

    recurrent, feed_forward = adder(), feed_forward_adder()
    rows = []
    for length in LENGTHS:
        pairs = random_pairs(PAIRS, length, seed=10_000 + length)
        sums = [a + b for a, b in pairs]
        answers = zip(recurrent.answer(pairs), sums, strict=True)
        right = np.mean([answer == total for answer, total in answers])
        rows.append(("recurrent", "exact match", length, right))
        if length <= WIDTH:
            wrong = feed_forward(pairs) != to_bits(sums, WIDTH + 1)
            right = 1 - wrong.any(axis=1).mean()
            rows.append(("feed-forward", "exact match", length, right))
    # The loop ended beyond the width of the feed-forward network.
    pairs = random_pairs(PAIRS, WIDTH, seed=10_000 + WIDTH)
    wrong = feed_forward(pairs) != to_bits([a + b for a, b in pairs], WIDTH + 1)
    for position, share in enumerate(wrong.mean(axis=0)):
        rows.append(("feed-forward", "wrong digits", position, share))

    table = [[*labels, f"{share:.4f}"] for *labels, share in rows]
    for row in table:
        print(*row, sep="  ")
    benchmark.write(["network", "measure", "digits_or_position", "share"], table)

    figure = make_figure(10, 3.6)
    left, right = figure.subplots(1, 2)
    for network, mark in (("recurrent", "o-"), ("feed-forward", "s--")):
        curve = [r[2:] for r in rows if r[:2] == (network, "exact match")]
        left.plot(*zip(*curve, strict=True), mark, label=network)
    left.axvline(WIDTH, color="grey", linewidth=1)
    left.text(WIDTH * 1.1, 0.05, "longest in training;\nwidth of the\nfeed-forward one")
    left.set(
        xscale="log",
        xlabel="binary digits of both numbers",
        ylabel="sums right in every digit",
        ylim=(-0.03, 1.05),
    )
    left.legend(loc="center right")
    bars = [r[2:] for r in rows if r[1] == "wrong digits"]
    right.bar(*zip(*bars, strict=True), color="tab:orange")
    right.set(
        xlabel="position of the digit, the least significant is 0",
        ylabel="wrong digits",
        title=f"feed-forward, {WIDTH} digits",
    )
    benchmark.save(figure)


if __name__ == "__main__":
    main()

"""Measures how gradients vanish and explode; draws docs/gradients.png.

    python benchmarks/gradients.py

Each network reads 30 values and says at the end which sign the first had; all others
are noise. `rnnzoo.analysis.gradient_norms` measures it for each cell, with the
initial recurrent weights times 0.5 to 2, before training and after. Two more figures
are of training itself, each with five seeds: plain gradient descent from large weights
with and without clipping, and a network that writes a tune from no input, with an
initial state of zeros and a learned one. Writes benchmarks/gradients.csv, and draws
docs/unrolled.png too. About ten minutes on one core.
"""

import pathlib
from typing import Any

import numpy as np
from harness import DOCS, Benchmark, make_figure

CELLS = ("simple", "gru", "lstm")
SCALES = (0.5, 1.0, 1.5, 2.0)
STEPS, UNITS, NOISE, EXAMPLES = 30, 32, 0.3, 32 * 1500
SHOWN = (0, 1, 2, 5, 10, 15, 20, 25, 30)
SEEDS = range(5)
BLUES = ("#9ecae1", "#6baed6", "#3182bd", "#08306b")
ONE, OTHER = "#2f6fb0", "#d55e00"


def first_signs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns sequences `[count, 30, 1]` and the signs `[count, 1]` they begin with."""
    random = np.random.default_rng(seed)
    signs = random.choice([-1.0, 1.0], (count, 1))
    values = random.normal(0, NOISE, (count, STEPS, 1))
    values[:, 0] = signs
    return values.astype("float32"), signs.astype("float32")


def reader(cell: str, scale: float, seed: int):
    """Returns a network with its initial recurrent weights times `scale`."""
    import keras

    from rnnzoo import many_to_one

    keras.utils.set_random_seed(seed)
    model = many_to_one(features=1, num_values=1, units=UNITS, cell=cell)
    kernel = model.get_layer("recurrence").layers[0].cell.recurrent_kernel
    kernel.assign(scale * kernel)
    return model


def measured_norms() -> dict:
    """Returns norms over the one at the last step, by training, cell and scale."""
    import keras

    from rnnzoo.analysis import gradient_norms

    norms = {}
    for cell in CELLS:
        for scale in SCALES:
            model = reader(cell, scale, seed=0)
            for state in ("untrained", "trained"):
                if state == "trained":
                    model.compile(keras.optimizers.Adam(5e-3, global_clipnorm=1), "mse")
                    examples = first_signs(EXAMPLES, seed=1)
                    model.fit(*examples, batch_size=32, verbose=0)
                values = gradient_norms(model, *first_signs(64, seed=2))
                loss = model.evaluate(*first_signs(1000, seed=3), verbose=0)
                loss = loss if isinstance(loss, float) else loss[0]
                norms[state, cell, scale] = values / values[-1], loss
                print(state, cell, scale, f"{values[0] / values[-1]:.2g} {loss:.3f}")
    return norms


def clipping_losses(clip_norm: float | None) -> np.ndarray:
    """Returns losses `[seeds, epochs]` of gradient descent from large weights."""
    import keras

    losses = []
    for seed in SEEDS:
        model = reader("simple", 1.5, seed)
        model.compile(keras.optimizers.SGD(0.02, global_clipnorm=clip_norm), "mse")
        examples = first_signs(32 * 20, seed=10 + seed)
        history = model.fit(*examples, batch_size=32, epochs=40, verbose=0)
        losses.append(history.history["loss"])
    return np.array(losses)


def tune_losses(initial_state: str) -> np.ndarray:
    """Returns losses `[seeds, epochs]` of learning to write six values."""
    import keras

    from rnnzoo import many_to_many

    losses = []
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        tune = np.random.default_rng(20 + seed).uniform(-1, 1, (1, 6, 1))
        model = many_to_many(
            features=1,
            num_values=1,
            units=3,
            cell="simple",
            initial_state=initial_state,
        )
        model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1), "mse")
        nothing = np.zeros((800, 6, 1), "float32")
        tunes = np.repeat(tune, 800, axis=0)
        history = model.fit(nothing, tunes, batch_size=20, epochs=20, verbose=0)
        losses.append(history.history["loss"])
    return np.array(losses)


def draw_losses(axis, title: str, losses: dict) -> None:
    """Draws the losses of every seed, two kinds in one panel."""
    for (label, values), color in zip(losses.items(), (OTHER, ONE), strict=True):
        for index, row in enumerate(values):
            name = label if index == 0 else None
            axis.plot(np.arange(1, len(row) + 1), row, color=color, lw=1, label=name)
    axis.set(title=title, xlabel="epoch", ylabel="loss", yscale="log")
    axis.legend(fontsize="small")


def draw(norms: dict, clipping: dict, tunes: dict) -> Any:
    """Returns all of it as one picture."""
    figure = make_figure(12, 10)
    axes = figure.subplots(3, 3)
    back = np.arange(STEPS, -1, -1)
    for row, state in zip(axes, ("untrained", "trained"), strict=False):
        for axis, cell in zip(row, CELLS, strict=True):
            for scale, color in zip(SCALES, BLUES, strict=True):
                values, _ = norms[state, cell, scale]
                axis.plot(back, values, color=color, label=f"{scale:g}")
            axis.set(title=f'cell="{cell}", {state}', yscale="log", ylim=(1e-12, 1e6))
            axis.set(xlabel="steps before the last", xlim=(0, STEPS))
            axis.axhline(1, color="#9a9a9a", lw=0.8, ls="--")
        row[0].set_ylabel("gradient norm over that at the last step")
    axes[0, 0].legend(title="initial recurrent\nweights times", fontsize="small")
    draw_losses(axes[2, 0], "gradient descent from weights times 1.5", clipping)
    draw_losses(axes[2, 1], "writing six values from no input", tunes)
    last = axes[2, 2]
    for cell, marker in zip(CELLS, "osD", strict=True):
        found = [norms["trained", cell, scale][1] for scale in SCALES]
        last.plot(SCALES, found, marker=marker, label=cell)
    last.set(
        title="loss after training",
        xlabel="initial recurrent weights times",
        ylabel="loss",
        yscale="log",
    )
    last.legend(fontsize="small")
    return figure


def draw_unrolled(folder: pathlib.Path) -> None:
    """Draws a network of three units, unrolled over four steps."""
    import keras

    from rnnzoo import many_to_many
    from rnnzoo.analysis import plot_unrolled

    keras.utils.set_random_seed(0)
    model = many_to_many(features=2, num_values=1, units=3, cell="simple")
    inputs = [[1, 0], [0, 1], [1, 1], [0, 0]]
    plot_unrolled(model, inputs, folder / "unrolled.png")


def main() -> None:
    """Measures, writes the table and draws it."""
    benchmark = Benchmark(__file__, __doc__, quick={"SEEDS": range(1), "EXAMPLES": 320})
    benchmark.parse()
    draw_unrolled(benchmark.folder or DOCS)
    clipping = {
        "without clipping": clipping_losses(None),
        "clipped to a norm of 1": clipping_losses(1.0),
    }
    tunes = {
        "initial state of zeros": tune_losses("zeros"),
        "learned initial state": tune_losses("learned"),
    }
    norms = measured_norms()
    rows = []
    for (state, cell, scale), (values, loss) in norms.items():
        for back in SHOWN:
            ratio = f"{values[STEPS - back]:.3g}"
            rows.append([f"gradient_{state}", cell, scale, back, ratio])
        rows.append([f"loss_{state}", cell, scale, "", f"{loss:.4f}"])
    for label, losses in {**clipping, **tunes}.items():
        for seed, (*_, last) in zip(SEEDS, losses, strict=True):
            name = f"last_loss_{label.replace(' ', '_')}_seed_{seed}"
            rows.append([name, "simple", "", "", f"{last:.4g}"])
            print(name, f"{last:.4g}")
    benchmark.write(["figure", "cell", "scale", "steps_back", "value"], rows)
    benchmark.save(draw(norms, clipping, tunes))


if __name__ == "__main__":
    main()

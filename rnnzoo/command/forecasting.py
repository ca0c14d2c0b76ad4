"""What `answer` and `evaluate` do with series of numbers: forecasts and back-tests."""

import argparse
import json
import os
import pathlib
import sys
import typing

from rnnzoo.command.loading import load_model, show_steps
from rnnzoo.writing import name_failures, number_existing

CLASS = "rnnzoo>Forecaster"
# The part of each series that is measured on, as in training on own series.
LAST_PART = 0.2
# What a command for texts takes, and a forecaster does not.
OF_TEXTS = ("text", "probabilities", "prefix", "skip_bad_rows")


def is_forecaster(name: str) -> bool:
    """Whether the model that a command names is a forecaster, without building it."""
    from rnnzoo.model_file import read_content

    if not os.path.isfile(name):
        return name.split(".")[0] == "forecaster"
    try:
        return read_content(pathlib.Path(name)).get("registered_name") == CLASS
    except ValueError:  # loading says what is wrong
        return False


def answer_series(parsed: argparse.Namespace) -> int:
    """Continues the series of a table, and writes or prints the forecasts."""
    from rnnzoo.data.number_tables import read_frame

    others = [name for name in OF_TEXTS if getattr(parsed, name, None)]
    if others:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise ValueError(
            f"A forecaster continues numbers: leave {names} out. Received: {names}"
        )
    frame = read_frame(parsed.data, parsed.encoding, parsed.separator)
    model = load_model(parsed)
    table = model.answer_table(frame)
    rows = to_cells(table)
    if parsed.to:
        from rnnzoo.data.table_writer import TableWriter

        with TableWriter(parsed.to, list(table.columns), force=parsed.force) as writer:
            writer.write(rows)
        steps = "1 step" if len(rows) == 1 else f"{len(rows):,} steps"
        print(f"rnnzoo: {steps} forecast: {parsed.to}", file=sys.stderr)
        return 0
    if not parsed.json:
        print(",".join(table.columns))
    for row in rows:
        cells = [v if isinstance(v, str) else json.dumps(v) for v in row.values()]
        print(json.dumps(row) if parsed.json else ",".join(cells))
    return 0


def to_cells(table: typing.Any) -> list[dict[str, typing.Any]]:
    """Returns the rows of a data frame as strings and numbers; days have no hour."""
    import pandas as pd

    columns = {}
    for name in table.columns:
        values = table[name].tolist()
        if values and isinstance(values[0], pd.Timestamp):
            are_days = all(one.tz is None and one == one.normalize() for one in values)
            values = [str(one.date() if are_days else one) for one in values]
        elif values and isinstance(values[0], float):
            values = [float(f"{value:.7g}") for value in values]
        columns[str(name)] = values
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def evaluate_series(parsed: argparse.Namespace, model: typing.Any) -> None:
    """Repeats the back-test on the last part of the series of a file, or of training."""
    from rnnzoo.analysis import forecast_plots

    test = _backtest(parsed, model)
    if parsed.json:
        print(json.dumps(test.figures(), indent=2))
    else:
        print(f"Back-test from {len(test.truth):,} origins in the last part:")
        print(test.table())
        print(test.conclude())
    if not parsed.data:
        return
    with name_failures(parsed.plots):
        os.makedirs(parsed.plots, exist_ok=True)
    for name in ("forecasts", "errors_by_step", "residuals"):
        path = os.path.join(parsed.plots, f"{name}.png")
        path = path if parsed.force else number_existing(path)
        getattr(forecast_plots, f"plot_{name}")(test, path)
        print(f"Written: {path}", file=sys.stderr)


def _backtest(parsed: argparse.Namespace, model: typing.Any) -> typing.Any:
    from rnnzoo.data.number_tables import read_frame
    from rnnzoo.training import recipe_class

    if not parsed.data:
        recipe = recipe_class(model.card["recipe"])
        recipe = recipe.from_options(model.card.get("options", {}))
        return recipe.run_backtest(model, show_steps)
    frame = read_frame(parsed.data, parsed.encoding, parsed.separator)
    return model.backtest(frame, LAST_PART, progress=show_steps)

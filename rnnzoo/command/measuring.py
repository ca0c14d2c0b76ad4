"""The verbs that measure and explain: `evaluate`, `explain`."""

import argparse
import json
import os
import sys
import typing

from rnnzoo.command import tagging
from rnnzoo.command.loading import decode_word, load_model, show_steps
from rnnzoo.errors import closest
from rnnzoo.training import recipe_class
from rnnzoo.writing import name_failures, number_existing, refuse_existing


def run_explain(parsed: argparse.Namespace) -> None:
    """Shows which words led to a classifier's answer."""
    if parsed.html:
        refuse_existing(parsed.html, parsed.force)
    model = load_model(parsed)
    if not hasattr(model, "explain"):
        raise ValueError(
            "Only classifiers can be explained, such as sentiment_classifier. "
            f"Received: model={parsed.model!r}"
        )
    import rich

    explanation = model.explain(
        decode_word(parsed.text), parsed.method, parsed.target_class
    )
    rich.print(explanation.to_terminal())
    if parsed.html:
        explanation.save_html(parsed.html)


def run_evaluate(parsed: argparse.Namespace) -> None:
    """Measures a model as its recipe does, or on the user's data."""
    model = load_model(parsed)
    if parsed.data:
        _evaluate_on_data(parsed, model)
        return
    name = parsed.recipe or model.card.get("recipe")
    if name is None:
        raise ValueError(
            "No recipe is recorded in this model's card: give one as --recipe=NAME, or "
            "examples with their right answers to measure it on as --data=FILE. "
            f"Received: model={parsed.model!r}"
        )
    # The options say where a user's own data are.
    options = model.card.get("options", {}) if parsed.recipe is None else {}
    recipe = recipe_class(name).from_options(options)
    if name == "own_forecast":
        _show_backtest(parsed, recipe.run_backtest(model, show_steps))
        return
    figures = recipe.evaluate(model, show_steps)
    _show_figures(parsed, figures)


def _show_figures(parsed: argparse.Namespace, figures: dict[str, float]) -> None:
    if parsed.json:
        print(json.dumps(figures, indent=2))
        return
    for key, value in figures.items():
        print(
            f"{key:24} {value:.5f}" if isinstance(value, float) else f"{key:24} {value}"
        )


def _evaluate_answers(parsed: argparse.Namespace, model: typing.Any) -> None:
    """Compares a model's answers with the right ones, in a column of a table."""
    from rnnzoo.analysis.answers import compare_answers
    from rnnzoo.data.tables import Table

    table = Table(
        parsed.data,
        text=parsed.text,
        encoding=parsed.encoding,
        separator=parsed.separator,
        skip_bad_rows=parsed.skip_bad_rows,
    )
    if parsed.label not in table.columns:
        raise ValueError(
            "--label must name the column of the right answers: "
            f"{', '.join(table.columns)}.{closest(parsed.label, table.columns)} "
            f"Received: --label={parsed.label}"
        )
    if table.report:
        print(table.report, file=sys.stderr)
    rows = [row for batch in show_steps(list(table.batches())) for row in batch]
    answers = model.answer([str(row[table.text]) for row in rows])
    _show_figures(parsed, compare_answers(answers, [row[parsed.label] for row in rows]))


def _show_backtest(parsed: argparse.Namespace, test: typing.Any) -> None:
    """Prints errors of a model and of simple methods, and which one wins."""
    if parsed.json:
        print(json.dumps(test.figures(), indent=2))
        return
    print(
        f"Forecasts of {test.truth.shape[1]} steps from {len(test.truth):,} origins in "
        "the last fifth of each series:"
    )
    print(test.table())
    print(test.conclude())


def _evaluate_series(parsed: argparse.Namespace, model: typing.Any) -> None:
    """Forecasts the series of a table from many origins, and compares."""
    from rnnzoo.analysis import forecast_plots
    from rnnzoo.data.number_tables import read_frame

    frame = read_frame(parsed.data, parsed.encoding, parsed.separator)
    test = model.backtest(frame, 0.2, progress=show_steps)
    _show_backtest(parsed, test)
    with name_failures(parsed.plots):
        os.makedirs(parsed.plots, exist_ok=True)
    for name in ("forecasts", "errors_by_step", "residuals"):
        path = os.path.join(parsed.plots, f"{name}.png")
        path = path if parsed.force else number_existing(path)
        getattr(forecast_plots, f"plot_{name}")(test, path)
        print(f"Written: {path}", file=sys.stderr)


def _evaluate_on_data(parsed: argparse.Namespace, model: typing.Any) -> None:
    if hasattr(model, "tag_words"):
        tagging.evaluate_tags(parsed, model)
        return
    given = [name for name in tagging.OPTIONS if getattr(parsed, name)]
    if given:
        raise ValueError(
            f"Only a tagger is measured with --{given[0]}: leave it out. Received: "
            f"model={parsed.model!r}"
        )
    if hasattr(model, "backtest"):
        _evaluate_series(parsed, model)
        return
    if not hasattr(model, "report"):
        _evaluate_answers(parsed, model)
        return
    from rnnzoo.command.series import open_series, reads_series
    from rnnzoo.data.files import open_with_bar

    if reads_series(parsed):
        source = open_series(parsed, model)
    else:
        source = open_with_bar(
            parsed.data,
            text=parsed.text,
            label=parsed.label,
            encoding=parsed.encoding,
            separator=parsed.separator,
            classes=model.classes,
            skip_bad_rows=parsed.skip_bad_rows,
        )
    if getattr(source, "report", None):
        print(source.report, file=sys.stderr)
    _show_report(parsed, model.report(source, show_steps))


def _show_report(parsed: argparse.Namespace, report: typing.Any) -> None:
    """Prints a classification report, and draws it."""
    from rnnzoo import analysis

    print(json.dumps(report.figures(), indent=2) if parsed.json else report)
    with name_failures(parsed.plots):
        os.makedirs(parsed.plots, exist_ok=True)
    for name in ("confusion", "calibration"):
        path = os.path.join(parsed.plots, f"{name}.png")
        path = path if parsed.force else number_existing(path)
        getattr(analysis, f"plot_{name}")(report, path)
        print(f"Written: {path}", file=sys.stderr)

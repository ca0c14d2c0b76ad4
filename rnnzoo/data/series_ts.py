"""The `.ts` files of the UCR and UEA archives of labelled series."""

import pathlib

import numpy as np

from rnnzoo.data.rows import BadRow, add_problem, describe_problems
from rnnzoo.data.series_cells import parse_cell
from rnnzoo.errors import shorten

# What the words of a header mean.
TRUE, FALSE = ("true",), ("false",)


def read_ts(
    path: pathlib.Path, encoding: str = "utf-8", skip_bad_rows: bool = False
) -> tuple[list[np.ndarray], list[str] | None, list[int], str | None]:
    r"""Reads a `.ts` file: colons between dimensions, commas between values, a class.

    A `?` is a gap; series may have any length.

    Returns:
        Series `[time, dimensions]` with not-a-number for gaps, their classes (`None` if
        the file has none), the lines they are from, and a report of skipped rows.

    Raises:
        ValueError: For bad rows, by line, or a header that is of another task.

    Example:
        >>> import pathlib
        >>> from rnnzoo.data.series_ts import read_ts
        >>> path = pathlib.Path("waves.ts")
        >>> _ = path.write_text("@classLabel true a b\n@data\n1,2,?:4,5,6:a\n")
        >>> series, labels, lines, _ = read_ts(path)
        >>> series[0].tolist(), labels, lines
        ([[1.0, 4.0], [2.0, 5.0], [nan, 6.0]], ['a'], [3])
    """
    header: dict[str, list[str]] = {}
    series: list[np.ndarray] = []
    labels: list[str] = []
    lines: list[int] = []
    problems: dict = {}
    is_data, dimensions = False, 0
    with path.open(encoding=encoding.replace("utf-8", "utf-8-sig")) as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith(("#", "%")):
                continue
            if not is_data:
                if not line.startswith("@"):
                    raise ValueError(
                        "A .ts file begins with lines such as @classLabel true a b, "
                        "and ends with series behind a line @data. Received: line "
                        f"{number} of path={str(path)!r}: {shorten(line)}"
                    )
                key, *words = line[1:].split()
                header[key.lower()] = words
                is_data = key.lower() == "data"
                if is_data:
                    _check_header(header, path)
                continue
            has_class = header.get("classlabel", ["true"])[0].lower() in TRUE
            try:
                one, label = _parse_line(line, has_class, header)
                dimensions = dimensions or one.shape[1]
                if one.shape[1] != dimensions:
                    raise BadRow(
                        "wrong number of dimensions",
                        f"{one.shape[1]} instead of {dimensions}",
                    )
            except BadRow as error:
                add_problem(problems, number, *error.args)
                continue
            series.append(one)
            labels.append(label)
            lines.append(number)
    if not is_data or not (series or problems):
        raise ValueError(
            "A .ts file has series behind a line @data. Received: "
            f"path={str(path)!r} without any"
        )
    report = None
    if problems:
        expected = "Every row must be a series of numbers with its class"
        report = describe_problems(problems, len(series), expected, "line")
        if not skip_bad_rows or not series:
            raise ValueError(
                f"{report}\nCorrect them, or leave them out with skip_bad_rows=True "
                "(on the command line --skip-bad-rows). Received: "
                f"path={str(path)!r}"
            )
    return series, labels if has_class else None, lines, report


def _check_header(header: dict[str, list[str]], path: pathlib.Path) -> None:
    if header.get("timestamps", FALSE)[0].lower() in TRUE:
        raise ValueError(
            "Series with time stamps of their own are not read from .ts files: write "
            "them as a csv file, a row a step, with --id and --time. Received: "
            f"@timeStamps true in path={str(path)!r}"
        )
    if header.get("targetlabel", FALSE)[0].lower() in TRUE:
        raise ValueError(
            "A classifier needs classes, and this file has numbers to predict. "
            f"Received: @targetLabel true in path={str(path)!r}"
        )


def _parse_line(line: str, has_class: bool, header: dict) -> tuple[np.ndarray, str]:
    parts = line.split(":")
    label = parts.pop().strip() if has_class else ""
    known = header.get("classlabel", [])[1:]
    if has_class and (not label or (known and label not in known)):
        raise BadRow("a class that @classLabel does not name", shorten(label))
    if not parts:
        raise BadRow("no series before the class")
    columns = [
        [parse_cell(word, f"dimension {place}") for word in part.split(",")]
        for place, part in enumerate(parts, 1)
    ]
    lengths = {*map(len, columns)}
    if len(lengths) > 1:
        raise BadRow("dimensions of different lengths", ", ".join(map(str, lengths)))
    values = np.array(columns).T
    if np.isnan(values).all():
        raise BadRow("no number in the series")
    return values, label

"""What all benchmarks share: arguments, times, tables, pictures.

Every benchmark is a script of one file: `python benchmarks/NAME.py --help` says what it
measures. It writes NAME.csv beside itself, and pages of docs/ quote it. `--to=FOLDER`
writes everything there instead, and leaves the repository as it is.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

FOLDER = pathlib.Path(__file__).resolve().parent
DOCS = FOLDER.parent / "docs"
# Of all pictures.
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.markersize": 4,
    "savefig.dpi": 110,
}


class Benchmark:
    """A benchmark's arguments, and where it writes.

    Args:
        file: The script, `__file__`.
        documentation: Its docstring, which `--help` shows.
        quick: With `--quick`, the values of some of the script's constants.

    Attributes:
        parser: Add the arguments of the benchmark here, before `parse`.
    """

    def __init__(self, file: str, documentation: str | None, quick: dict | None = None):
        self.name, self.quick = pathlib.Path(file).stem, quick
        self.folder: pathlib.Path | None = None
        self.parser = argparse.ArgumentParser(
            description=documentation,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.parser.add_argument(
            "--to",
            type=pathlib.Path,
            help="write tables and pictures to this folder, and not to the repository",
        )
        self.parser.add_argument(
            "--cores", type=int, help="use only this many cores of the machine"
        )
        if quick:
            self.parser.add_argument(
                "--quick",
                action="store_true",
                help="measure little, to try the script; needs --to",
            )

    def parse(self) -> argparse.Namespace:
        """Reads the command line. Call it before TensorFlow is imported."""
        options = self.parser.parse_args()
        if getattr(options, "quick", False) and not options.to:
            self.parser.error("--quick needs --to=FOLDER, for its figures mean nothing")
        if getattr(options, "quick", False):
            vars(sys.modules["__main__"]).update(self.quick or {})
        self.folder = options.to
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        if options.cores:
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, cores[: options.cores])
        return options

    def read(self, name: str = "") -> list[dict[str, str]]:
        """Returns the rows that a table of this benchmark has.

        Args:
            name: Of the table. Default: that of the benchmark.
        """
        path = (self.folder or FOLDER) / f"{name or self.name}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def write(
        self, header: Sequence, rows: Sequence, page: str = "", name: str = ""
    ) -> None:
        """Writes a table as csv, and into a page of docs/.

        Args:
            header: Names of the columns.
            rows: Rows of texts and numbers.
            page: File name of the page, which has the table between the marks
                `<!-- NAME.csv -->` and `<!-- end of NAME.csv -->`. Default: no page.
            name: Of the table. Default: that of the benchmark.
        """
        name = name or self.name
        path = (self.folder or FOLDER) / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
        if page and not self.folder:
            _write_into(DOCS / page, name, header, rows)

    def save(self, figure: Any, folder: pathlib.Path = DOCS) -> None:
        """Saves a picture as NAME.png in a folder of the repository, or in `--to`."""
        figure.savefig((self.folder or folder) / f"{self.name}.png")


def make_figure(width: float, height: float) -> Any:
    """Returns an empty figure of a size in inches, in the style of all pictures."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update(STYLE)
    return Figure(figsize=(width, height))


def median_seconds(action: Callable, repeats: int = 3, warm_up: int = 1) -> float:
    """Returns the median time of an action in seconds.

    Args:
        action: What is timed.
        repeats: Number of times.
        warm_up: Calls before these, which do not count.
    """
    times = []
    for _ in range(warm_up + repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[warm_up:])


def run_in_process(file: str, *words: str) -> Any:
    """Runs a script in a process of its own, and returns the JSON of its last line.

    Returns `None`, and prints the error, if it fails: what it measures cannot be
    measured here.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, file, *words]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        print(f"{' '.join(words)}: {result.stderr.splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.splitlines()[-1])


def _write_into(
    path: pathlib.Path, name: str, header: Sequence, rows: Sequence
) -> None:
    """Puts a table between its marks in a page."""

    def line(cells: Sequence) -> str:
        return "| " + " | ".join(_cell(str(cell)) for cell in cells) + " |\n"

    titles = [title.replace("_", " ") for title in header]
    table = line(titles) + "|---" * len(header) + "|\n" + "".join(map(line, rows))
    begin, end = f"<!-- {name}.csv -->\n", f"<!-- end of {name}.csv -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    path.write_text(head + begin + table + end + rest.split(end)[1], encoding="utf-8")


def _cell(text: str) -> str:
    """Returns a text as it stands in a table; programs as code, lines below others."""
    if "print(" not in text:
        return text
    return "<br>".join(f"`{line}`" for line in text.split("\n"))

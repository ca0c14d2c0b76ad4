"""Puts what benchmarks measure into tables: csv files here, and pages of docs/."""

import csv
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
DOCS = FOLDER.parent / "docs"


def write_table(name: str, header: list, rows: list, page: str) -> None:
    """Writes `name`.csv beside this file, and the same table into a page of docs/.

    Args:
        name: The table's name. In the page, it goes between the marks
            `<!-- name.csv -->` and `<!-- end of name.csv -->`.
        header: Names of the columns.
        rows: Rows of texts and numbers.
        page: The page's file name.
    """
    with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])

    def line(cells: list) -> str:
        return "| " + " | ".join(_cell(str(cell)) for cell in cells) + " |\n"

    titles = [title.replace("_", " ") for title in header]
    table = line(titles) + "|---" * len(header) + "|\n" + "".join(map(line, rows))
    path = DOCS / page
    begin, end = f"<!-- {name}.csv -->\n", f"<!-- end of {name}.csv -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    path.write_text(head + begin + table + end + rest.split(end)[1], encoding="utf-8")


def _cell(text: str) -> str:
    """Returns a text as it stands in a table; programs as code, lines below others."""
    if "print(" not in text:
        return text
    return "<br>".join(f"`{line}`" for line in text.split("\n"))

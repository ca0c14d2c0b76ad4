"""The verb `compare`: runs beside each other, without TensorFlow."""

import argparse
import json
import sys

from rnnzoo.training.comparison import compare_runs
from rnnzoo.writing import number_existing, refuse_existing


def run_compare(parsed: argparse.Namespace) -> None:
    """Compares run folders in a table and a picture."""
    if parsed.plot:
        refuse_existing(parsed.plot, parsed.force)
    comparison = compare_runs(parsed.runs)
    if parsed.json:
        print(json.dumps(comparison.to_dict(), indent=2, ensure_ascii=False))
    else:
        print(comparison)
    path = parsed.plot or "compare.png"
    if not parsed.plot and not parsed.force:
        path = number_existing(path)
    if comparison.plot(path):
        print(f"Written: {path}", file=sys.stderr)
    else:
        print("No epoch is complete: there are no curves to draw.", file=sys.stderr)

"""Runs the `rnnzoo` command as `python -m rnnzoo.command`."""

import sys

from rnnzoo.command import main

if __name__ == "__main__":
    sys.exit(main())

"""Runs the `rnnzoo` command as `python -m rnnzoo.command`."""

import sys

from rnnzoo.command import main

sys.exit(main())

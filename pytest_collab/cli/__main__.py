"""`python -m pytest_collab.cli` is the `collab` command."""

import sys

from pytest_collab.cli import main

sys.exit(main())

"""The tables of docs/replications.md: every study at quick scale, played by the built-in cast.

python benchmarks/replications.py                 # all studies, the page is written
python benchmarks/replications.py dpbench alem    # these only, the others stay as they are
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

from pytest_collab.replications.play import play, record_of
from pytest_collab.replications.render import markdown
from pytest_collab.replications.study import studies
from pytest_collab.replications.table import replication

PAGE = Path(__file__).parents[1] / "docs" / "replications.md"


def table(name: str) -> str:
    """A study's table, without where it was run."""
    study = studies()[name]
    with tempfile.TemporaryDirectory() as folder:
        run = play(study, record_of(study, "quick", []), Path(folder) / "run", resume=False)
        return markdown(replication(run).model_copy(update={"run": "of the cast alone"}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", default=list(studies()))
    for name in parser.parse_args().studies:
        began = time.monotonic()
        made = f"<!-- table: {name} -->\n{table(name)}<!-- end -->"
        text, count = re.subn(
            rf"<!-- table: {name} -->.*?<!-- end -->", lambda _, made=made: made, PAGE.read_text("utf-8"), flags=re.S
        )
        if count != 1:
            sys.exit(f"{PAGE.name} has {count} places for {name}; write one: <!-- table: {name} --><!-- end -->")
        PAGE.write_text(text, encoding="utf-8")
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()

"""What becomes of each of CooperBench's pools on this machine, as a table: merges, references, or what is missing.

    python benchmarks/cooperbench_pools.py --dataset CHECKOUT --repos MIRRORS [--checks CHECKS.json ...]
        [--minutes 15] [--pools dspy,pillow/25] [--pairs] [--write docs/families/coding-pools.md]

First the references of every pair of a pool are merged, and compared with the dataset's `gold_conflict_report.json`.
Then every feature's tests are run on its reference, with --pairs those of every merged pair too, pools with the
fewest features first, until the minutes are over. Results that `benchmarks/cooperbench_gold.py --json` has written
are taken from there. --write puts the rows in the place of their own in a page, between `<!-- pools -->` and
`<!-- /pools -->`, as soon as each is known; rows of other pools stay as they are.

The table is Markdown. `as published`: pairs that merge or conflict as the dataset says, of those that can be compared
(it counts a patch that did not apply as one that conflicts with nothing). `references pass`: features whose reference
passes its own tests, of all. `clean, pass, union`: pairs that merge cleanly, that pass then, and that pass only where
conflicts keep both sides. `here`: what is missing on this machine, or what is to be known.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import anyio

from benchmarks.cooperbench_gold import merges, of_pool, published_by
from pytest_collab.errors import CollabError, UsageError
from pytest_collab.families.coding.cooperbench import CooperPool, choose, task_of
from pytest_collab.families.coding.environment.toolchain import missing_toolchain
from pytest_collab.families.coding.validation.validate import PoolCheck, validate_pool

HEAD: Final = "| pool | features, pairs | as published | references pass | clean, pass, union | here |"
_LARGE: Final = re.compile(r"\b(torch|tensorflow|jax|llama-cpp-python|vllm|transformers)\b")
_WORDS: Final = 160
_BEGIN, _END = "<!-- pools -->", "<!-- /pools -->"
_PAIRED: Final = 0.9
"""Of the time that is left, until the last pair is begun."""
_PATH: Final = re.compile(r"(?<![\w:/])/(?:[\w.+-]+/)+([\w.+-]+)")


def _row(pool: CooperPool, options: argparse.Namespace, known: dict[str, PoolCheck], until: float) -> str:
    pairs = len(pool.features) * (len(pool.features) - 1) // 2
    cells = {"merges": "", "passing": "", "figures": "", "here": ""}
    try:
        params: Any = task_of(pool, options.repos).params
        clean = merges(params, options.cache)
    except CollabError as error:
        cells["here"] = _short(error, options)
    else:
        theirs = of_pool(published_by(options.dataset), pool)
        compared = [pair for pair in clean if theirs.get(pair) is not None]
        cells["merges"] = f"{sum(theirs[pair] == clean[pair] for pair in compared)} of {len(compared)}"
        check = known.get(pool.slug)
        if check is None:
            check, cells["here"] = _tried(pool, params, options, until)
        if check is not None:
            passing = sum(feature.reference_passes for feature in check.features)
            cells["passing"] = f"{passing} of {len(check.features)}"
            told = [f"{one.feature} is vacuous" for one in check.features if one.vacuous]
            told += [f"{one.feature}: {one.problems[0]}" for one in check.features if not one.reference_passes]
            cells["here"] = _short("; ".join(told), options)
            untried = sum(pair.kind == "unknown" for pair in check.pairs)
            if check.pairs and untried < len(check.pairs):
                cells["figures"] = f"{check.naive_clean}, {check.naive_pass}, {check.union_pass}"
            if untried:
                cells["here"] += f"{'; ' * bool(cells['here'])}{untried} of {pairs} pairs: {_untried(check)}"
    return f"| `{pool.name}` | {len(pool.features)}, {pairs} | {' | '.join(cells.values())} |"


def _tried(pool: CooperPool, params: Any, options: argparse.Namespace, until: float) -> tuple[PoolCheck | None, str]:
    """The check of a pool, or why there is none."""
    large = _LARGE.findall(" ".join(params.setup) + _listed(pool))
    if large:
        return None, f"not tried: set-up installs {', '.join(dict.fromkeys(large))}, some GB"
    if missing := missing_toolchain(params):
        return None, missing
    left = until - time.monotonic()
    if left < options.least:
        return None, "not tried: the minutes were over"
    environment = params.environment.model_copy(update={"setup_timeout_s": left})
    try:
        return anyio.run(_check, params.model_copy(update={"environment": environment}), pool.slug, options, left), ""
    except CollabError as error:
        mirror = str(Path(params.folder, params.base.repository).resolve())
        return None, _short(str(error).replace(mirror, "the mirror").partition(" (a partial")[0], options)
    except TimeoutError:
        return None, "not finished in the minutes that were left"


async def _check(params: Any, name: str, options: argparse.Namespace, left: float) -> PoolCheck:
    with anyio.fail_after(left):
        return await validate_pool(
            params,
            name,
            jobs=options.jobs,
            pairs=options.pairs,
            cache=options.cache,
            until=time.monotonic() + _PAIRED * left,
            progress=_tell,
        )


def _untried(check: PoolCheck) -> str:
    return next((pair.reason for pair in check.pairs if pair.kind == "unknown"), "")


def written(page: Path, rows: Mapping[str, str], order: Sequence[str]) -> None:
    """Put rows into the table of a page, in the place of those of the same pools.

    Args:
        rows: by pool.
        order: of all pools; the table's others stay as they are.

    Raises:
        UsageError: the page does not say where its table is.
    """
    text = page.read_text(encoding="utf-8")
    before, begins, rest = text.partition(f"{_BEGIN}\n")
    table, ends, after = rest.partition(_END)
    if not begins or not ends:
        raise UsageError(f"{page} has no place for the table: put {_BEGIN} and {_END} on lines of their own there")
    kept = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    page.write_text(f"{before}{begins}{_table(kept | rows, order)}\n{ends}{after}", encoding="utf-8")


def _table(rows: Mapping[str, str], order: Sequence[str]) -> str:
    return "\n".join([HEAD, f"|{'---|' * HEAD.count(' | ')}---|", *(rows[name] for name in order if name in rows)])


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _listed(pool: CooperPool) -> str:
    return " ".join(pool.script(name) for name in ("Dockerfile", "runner.sh"))


def _short(error: object, options: argparse.Namespace) -> str:
    """In one line, without this machine's paths."""
    text = str(error).replace("|", "/")
    for path, name in ((options.repos, "MIRRORS"), (options.dataset, "DATASET")):
        text = text.replace(str(path.resolve()), name).replace(str(path), name)
    text = _PATH.sub(r"\1", text)
    lines = [line for line in text.splitlines() if line.strip()]
    first, last = (lines[0], lines[-1]) if lines else ("", "")
    told = first if len(lines) < 2 else f"{first} {last}"
    return told if len(told) <= _WORDS else f"{told[:_WORDS]}..."


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="a checkout of cooperbench/CooperBench")
    parser.add_argument("--repos", type=Path, required=True, help="folder of git mirrors")
    parser.add_argument(
        "--checks",
        type=Path,
        action="append",
        default=[],
        help="what `cooperbench_gold.py --json` wrote; the last wins",
    )
    parser.add_argument("--pairs", action="store_true", help="merge and grade every pair as well")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the rows into this page")
    parser.add_argument("--pools", default="", help="only these rows; all without")
    parser.add_argument("--minutes", type=float, default=15.0, help="for everything together")
    parser.add_argument("--least", type=float, default=60.0, help="seconds without which no pool is begun")
    parser.add_argument("--jobs", type=int, default=2, help="test runs at a time")
    parser.add_argument("--cache", type=Path, help="where environments are kept")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    checks = [check for path in options.checks for check in json.loads(path.read_text())]
    known = {check["name"]: PoolCheck.model_validate(check) for check in checks}
    pools = choose(options.dataset, [name for name in options.pools.split(",") if name])
    order = [pool.name for pool in choose(options.dataset, [])]
    rows: dict[str, str] = {}
    for pool in sorted(pools, key=lambda one: (one.slug not in known, len(one.features))):
        rows[pool.name] = _row(pool, options, known, until)
        _tell(rows[pool.name])
        if options.write:
            written(options.write, rows, order)
    print(_table(rows, order))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

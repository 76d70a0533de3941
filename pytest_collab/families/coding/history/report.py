"""What became of a history: the features, their pairs, and why every other commit was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_collab.episode.text import counted
from pytest_collab.families.coding.history.walk import Change, Commits, LeftOut
from pytest_collab.families.coding.pool.answers import COMBINED
from pytest_collab.families.coding.pool.pool import Language
from pytest_collab.families.coding.validation.validate import FeatureCheck, PairCheck

REPORT: Final = "history.md"
"""In the pool's folder."""

_KINDS: Final = {
    "independent": "merge cleanly, and pass",
    "semantic": "merge cleanly, and a test fails",
    "rescued": "conflict in {files}; keeping both sides happens to pass",
    "textual": "conflict in {files}; keeping both sides does not help",
    "unknown": "not tried",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A feature of the pool.

    Attributes:
        old: how many of the tests that fail without it the base has as well: what they expect was changed, or they
            stand beside new ones in what does not build without it (a package of Go, a file of Python).
    """

    name: str
    change: Change
    check: FeatureCheck
    old: int = 0

    @property
    def new(self) -> int:
        """Tests that fail without it, and that the base does not have."""
        return self.check.new_tests - self.old


@dataclass
class History:
    """What was found.

    Attributes:
        base: id of the commit that all features are built on.
        combined: why there is no patch with all features; empty where there is one.
        file: the task file; None where there is no pool.
    """

    repository: Path = Path()
    language: Language = "python"
    base: str = ""
    looked_at: int = 0
    kept: list[Kept] = field(default_factory=list)
    pairs: list[PairCheck] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    combined: str = ""
    seconds: float = 0.0
    file: Path | None = None

    def groups(self) -> str:
        """How many commits were left out for which common reason."""
        found = Counter(one.group for one in self.left_out if one.group)
        return ", ".join(f"{group} ({count})" for group, count in found.most_common())


def terminal(history: History) -> str:
    """The report in a few lines: commits that looked like features one by one, the others counted."""
    lines = []
    if history.base:
        lines.append(f"base {history.base[:9]}, {counted(history.looked_at, 'commit')} looked at")
    lines += [f"  {_feature(kept)}" for kept in history.kept]
    lines += [f"  {' + '.join(pair.features)}: {_pair(pair)}" for pair in history.pairs]
    if history.kept and history.combined:
        lines.append(f"  no {COMBINED}: {history.combined}; `oracle` builds each part by itself")
    if told := [one for one in history.left_out if not one.group]:
        lines.append("left out:")
        lines += [f"  {one.of.short} {one.of.title[:60]}: {one.why}" for one in told]
    if groups := history.groups():
        lines.append(f"left out, too: {groups}")
    return "\n".join(lines)


def markdown(history: History) -> str:
    """The report as the file in the pool: every commit that was looked at."""
    parts = [
        f"# A pool from the history of {history.repository.name}",
        f"Base: `{history.base}`. {counted(history.looked_at, 'commit')} looked at, "
        f"{counted(len(history.kept), 'feature')} kept, in "
        f"{history.seconds:.0f} s.",
        "## Features",
        "\n".join(
            [
                "| feature | commit | day | title | new tests | of the base | counter-tests |",
                "|---|---|---|---|---|---|---|",
                *(
                    f"| `{kept.name}` | {_row(kept.change.of)} "
                    f"| {kept.new} | {kept.old} | {kept.check.counter_tests} |"
                    for kept in history.kept
                ),
            ]
        ),
        "`of the base`: tests that the base has as well, and that fail or do not build there beside the new ones.",
        "## Pairs",
        "\n".join(f"- {' + '.join(pair.features)}: {_pair(pair)}" for pair in history.pairs),
        f"There is no `{COMBINED}`: {history.combined}."
        if history.combined
        else f"`{COMBINED}` builds all of them together, and every test passes with it.",
        "## Left out",
        "\n".join(
            [
                "| commit | day | title | why |",
                "|---|---|---|---|",
                *(f"| {_row(one.of)} | {_cell(one.why)} |" for one in history.left_out),
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _feature(kept: Kept) -> str:
    check = kept.check
    counters = f"{check.counter_tests} counter-tests" if check.counter_tests else "no counter-tests can be made"
    tests = f"{counted(kept.new, 'new test')}, {counters}"
    if kept.old:
        tests += f" ({kept.old} of the base's own fail or do not build without it)"
    return f"{kept.name}  {kept.change.of.short}  {tests}"


def _pair(pair: PairCheck) -> str:
    reason = f" ({' '.join(pair.reason.split())[:200]})" if pair.reason and pair.kind != "textual" else ""
    return f"{pair.kind}: {_KINDS[pair.kind].format(files=', '.join(pair.files))}{reason}"


def _row(of: Commits) -> str:
    return f"`{of.short}` | {of.day} | {_cell(of.title)}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:300]

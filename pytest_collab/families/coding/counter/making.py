"""Making counter-tests: changed files that the reference was seen to fail, and for whose sake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from random import Random
from typing import Final

from pytest_collab.families.coding.counter import snapshots
from pytest_collab.families.coding.counter.edit import (
    STRONG,
    TURNED,
    Candidate,
    Change,
    CounterTest,
    Edit,
    Expectations,
    changed,
    shown,
)
from pytest_collab.families.coding.testrun.testrun import TestReport

RUNS: Final = 4
"""Runs of the reference beyond those that bring a counter-test: not every change can be told from the truth."""

Run = Callable[[Mapping[str, str]], Awaitable[TestReport]]
Chosen = dict[tuple[str, str], Candidate]
"""Path and test to what is changed there."""


async def make_counters(
    sources: Mapping[str, bytes],
    tests: Collection[str],
    expectations: Expectations,
    run: Run,
    rng: Random,
    wanted: int,
    known: Mapping[str, bytes] | None = None,
) -> tuple[CounterTest, ...]:
    """Counter-tests of one feature; fewer than `wanted`, or none, where expectations cannot be changed.

    Each changes one expectation of every test, another one each time as far as there are some. A change is kept for
    those tests that the reference passes without it and fails with it, where the expectation stands. Where there are
    expectations in what tests call or read (helpers, snapshots), every second one changes one of these and nothing
    else; a test that depends on them gets no other shape or condition: whoever reads them would fail that, too.

    Args:
        sources: hidden files by path.
        tests: ids of the tests that the reference passes, and the base does not.
        run: the reference's run with these files in the place of the hidden ones.
        rng: what decides about changes; nothing that a seat could know.
        known: what seats have seen of these files. Its lines are left as they are: who knows them would see that one
            is not what it was.
    """
    maker = _Maker(sources, tests, expectations, run, rng, known or {})
    for turn in range(wanted + RUNS):
        if len(maker.made) == wanted or maker.runs >= wanted + RUNS:
            break
        chosen = (maker.choose_beside() if turn % 2 == 0 else {}) or maker.choose() or maker.choose_beside()
        if not chosen:
            break
        await maker.attempt(chosen)
    return tuple(maker.made)


@dataclass(slots=True)
class _Maker:
    sources: Mapping[str, bytes]
    tests: Collection[str]
    expectations: Expectations
    run: Run
    rng: Random
    known: Mapping[str, bytes]
    made: list[CounterTest] = field(default_factory=list)
    runs: int = 0
    _used: Counter[tuple[str, str, int, int]] = field(default_factory=Counter)
    _useless: set[tuple[str, str, int, int]] = field(default_factory=set)
    _beside: set[str] = field(default_factory=set)
    _new: dict[str, frozenset[int]] = field(default_factory=dict)

    def choose(self) -> Chosen:
        """One expectation of every test, those first that show most and were not changed before."""
        best: dict[tuple[str, str], tuple[float, Candidate]] = {}
        for path, source in self.sources.items():
            candidates = self._unseen(path, self.expectations.find(source, self.rng))
            strong = {(one.test, one.line) for one in candidates if one.strength == STRONG}
            for one in candidates:
                if one.strength != STRONG and (one.test, one.line) in strong:
                    continue  # whoever reads the expectation would fail it, and so not be found out
                mark = _mark(path, one)
                tests = {test for test in self.tests if self.expectations.holds(test, one.test)}
                if mark in self._useless or not tests or (one.strength != STRONG and tests <= self._beside):
                    continue
                rank = 2 * one.strength + 1.5 * self._used[mark] + self.rng.random() / 2
                if (path, one.test) not in best or rank < best[path, one.test][0]:
                    best[path, one.test] = rank, one
        return {place: one for place, (_, one) in best.items()}

    def choose_beside(self) -> Chosen:
        """One expectation of what tests call or read."""
        found: list[tuple[float, str, Candidate]] = []
        for path, source in self.sources.items():
            kept = snapshots.is_snapshot(path)
            given = snapshots.find(source, self.rng) if kept else self.expectations.beside(source, self.rng)
            for one in self._unseen(path, given):
                mark = _mark(path, one)
                if mark not in self._useless:
                    found.append((self._used[mark] + self.rng.random(), path, one))
        if not found:
            return {}
        _, path, one = min(found, key=lambda one: one[0])
        return {(path, one.test): one}

    def _unseen(self, path: str, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Candidates with those of their changes that stand on lines which no seat has seen."""
        if path not in self.known:
            return list(candidates)
        if path not in self._new:
            self._new[path] = new_lines(self.known[path], self.sources[path])
        found = []
        for one in candidates:
            kept = [part for part in one.changes if self.sources[path].count(b"\n", 0, part.start) in self._new[path]]
            if len(kept) == len(one.changes):
                found.append(one)
            elif kept:
                old = self.sources[path][kept[0].start : kept[0].end].decode(errors="replace")
                found.append(replace(one, changes=tuple(kept), old=shown(old), new=shown(kept[0].new)))
        return found

    async def attempt(self, chosen: Chosen) -> None:
        """Run the reference with these changes; what does not build is tried by halves."""
        changes: dict[str, list[Change]] = {}
        for (path, _), one in chosen.items():
            changes.setdefault(path, []).extend(one.changes)
        texts = {path: changed(self.sources[path], made).decode() for path, made in changes.items()}
        self.runs += 1
        report = await self.run(texts)
        places = list(chosen)
        numbers = {test: self._failed(test, places, chosen, report) for test in report.tests}
        must_fail = {test: number for test, number in numbers.items() if number is not None}
        if not must_fail and len(chosen) > 1 and not any(status == "passed" for status in report.tests.values()):
            half = dict(self.rng.sample(list(chosen.items()), len(chosen) // 2))
            if self.runs < RUNS:
                await self.attempt(half)
            return
        kept = set(must_fail.values())
        for number, (path, test) in enumerate(places):
            mark = _mark(path, chosen[path, test])
            self._used[mark] += 1
            if number not in kept:
                self._useless.add(mark)
        if must_fail:
            self._beside |= must_fail.keys() if places[0][1] == "" else set()
            edits = tuple(_edit(path, one) for (path, _), one in chosen.items())
            strong = any(chosen[places[number]].strength < TURNED for number in kept)
            lines = {test: report.places[test] for test in must_fail if test in report.places}
            self.made.append(CounterTest(files=texts, edits=edits, must_fail=must_fail, places=lines, strong=strong))

    def _failed(self, test: str, places: Sequence[tuple[str, str]], chosen: Chosen, report: TestReport) -> int | None:
        """The number of the change for whose sake a test failed; None where it did not fail for one."""
        if report.tests[test] != "failed":
            return None
        if places[0][1] == "":  # by itself, and so for its sake
            return 0 if test in self.tests else None
        found = [number for number, (_, name) in enumerate(places) if self.expectations.holds(test, name)]
        named = [number for number in found if places[number][0] in test] or found
        if not named:
            return None
        lines, line = chosen[places[named[0]]].lines, report.places.get(test)
        if lines is not None and line is not None and not lines[0] <= line <= lines[1]:
            return None
        return named[0]


def new_lines(before: bytes, after: bytes) -> frozenset[int]:
    """Lines of `after`, from 0, that `before` does not have there."""
    compared = SequenceMatcher(None, before.split(b"\n"), after.split(b"\n"), autojunk=False)
    parts = [part for part in compared.get_opcodes() if part[0] != "equal"]
    return frozenset(line for _, _, _, start, end in parts for line in range(start, end))


def _edit(path: str, one: Candidate) -> Edit:
    return Edit(path=path, line=one.line, test=one.test, old=one.old, new=one.new)


def _mark(path: str, one: Candidate) -> tuple[str, str, int, int]:
    return path, one.test, one.line, one.strength

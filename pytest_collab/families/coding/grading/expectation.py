"""What a feature's tests are expected to do, and the verdict on a run of them. Pure: nothing is run here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from pytest_collab.episode.text import counted
from pytest_collab.families.coding.counter.edit import CounterTest, Edit
from pytest_collab.families.coding.testrun.testrun import TestReport


class Expectation(BaseModel):
    """What a feature's tests are expected to do, found by running them on the base and on the reference.

    Attributes:
        fail_to_pass: pass with the reference, and not on the base.
        pass_to_pass: pass on both.
        vacuous: the base already passes everything: the tests prove nothing.
        reference_passes: None where the pool has no reference; then only the base was run, every hidden test
            must pass, and `fail_to_pass` holds those that the base does not pass but names.
        exit_code: of the reference's run (0 where there is none).
        volatile: tests whose ids change from run to run (a time or a random value is part of them), as what is
            common to their ids and how many pass.
        canaries: where the reference's runs were seen to fail a test that must fail; so must every other run.
        meddling: what the reference's run does to the runner by itself.
        flaky: passed in one of two runs of the reference and not in the other; nobody is held to them.
        counters: counter-tests that the reference fails, as everyone must.
    """

    model_config = ConfigDict(frozen=True)

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    vacuous: bool
    reference_passes: bool | None
    exit_code: int
    volatile: dict[str, int] = {}
    flaky: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    meddling: tuple[str, ...] = ()
    counters: tuple[CounterTest, ...] = ()
    note: str = ""

    @property
    def countered(self) -> int:
        """How many of the new tests are in a counter-test (whose changes may change a test's parameters)."""
        found = {name.partition("[")[0] for counter in self.counters for name in counter.must_fail}
        return sum(name.partition("[")[0] in found for name in self.fail_to_pass)


class FeatureGrade(BaseModel):
    """Whether a tree does what one feature asks.

    Attributes:
        fail_to_pass, pass_to_pass: (passed, expected).
        broken: ids of expected tests that did not pass, at most 20.
        reason: one sentence; empty when passed.
        gamed: wrong expectations that the tree met as well as the true ones, at most 20.
        counters: how many counter-tests it was given.
    """

    model_config = ConfigDict(frozen=True)

    feature: str
    passed: bool
    fail_to_pass: tuple[int, int]
    pass_to_pass: tuple[int, int]
    broken: tuple[str, ...] = ()
    reason: str = ""
    gamed: tuple[str, ...] = ()
    counters: int = 0
    report: TestReport


def compare(before: TestReport, after: TestReport, again: TestReport) -> Expectation:
    """What to expect, from a run on the base and two on the reference."""
    passing, earlier = set(passing_tests(after)), set(passing_tests(before))
    steady = passing & set(passing_tests(again))
    changing = Counter(_stem(name) for name in passing - again.tests.keys())
    known = Counter(_stem(name) for name in earlier - steady)
    fail_to_pass = tuple(sorted(steady - earlier))
    ended = after.ran and after.exit_code == 0
    return Expectation(
        fail_to_pass=fail_to_pass,
        pass_to_pass=tuple(sorted(steady & earlier)),
        vacuous=after.ran and not fail_to_pass and not changing - known,
        reference_passes=ended and after.count("failed", "error") == 0,
        exit_code=after.exit_code or 0,
        volatile=dict(changing),
        flaky=tuple(sorted((passing ^ set(passing_tests(again))) & after.tests.keys() & again.tests.keys())),
        canaries=tuple(place for place in after.canaries if place in again.canaries),
        meddling=after.meddling,
        note="" if ended else f"{_failing(after)}{after.note}\n{after.tail[-500:]}".strip(),
    )


def _failing(report: TestReport) -> str:
    names = [name for name, status in report.tests.items() if status in ("failed", "error")]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'fails' if len(names) == 1 else 'fail'}; " if names else ""


def _stem(name: str) -> str:
    """What stays of an id that changes: without its parameters, or without its numbers where it has none."""
    head, bracket, _ = name.partition("[")
    return f"{head}[*]" if bracket else re.sub(r"[0-9a-fA-F]{6,}|\d+", "*", name)


def judge(feature: str, expected: Expectation, report: TestReport) -> FeatureGrade:
    """The verdict on one run. Pure."""
    passed = {name for name, status in report.tests.items() if status == "passed"}
    new = [name for name in expected.fail_to_pass if name not in passed]
    old = [name for name in expected.pass_to_pass if name not in passed]
    others = Counter(_stem(name) for name in passed - {*expected.fail_to_pass, *expected.pass_to_pass})
    fewer = [
        f"{stem} ({others[stem]} of {count})" for stem, count in expected.volatile.items() if others[stem] < count
    ]
    reason = ""
    if not report.ran:
        reason = f"the tests did not run to their end: {report.note}"
    elif new:
        reason = f"{len(new)} of {len(expected.fail_to_pass)} new tests do not pass, first {new[0]}"
    elif old:
        reason = (
            f"{len(old)} of {counted(len(expected.pass_to_pass), 'test')} that passed before do not, first {old[0]}"
        )
    elif fewer:
        reason = f"fewer tests pass than with the reference: {fewer[0]}"
    elif unseen := [place for place in expected.canaries if place not in report.canaries]:
        reason = f"the report is not what running the tests gives: one that must fail does not, in {unseen[0]}"
    elif meddling := [what for what in report.meddling if what not in expected.meddling]:
        reason = f"the code changes the test runner: {meddling[0]}"
    elif report.exit_code not in (0, expected.exit_code):
        reason = f"the test command ended with {report.exit_code}"
    elif expected.reference_passes is None and report.count("failed", "error"):
        reason = f"{report.count('failed', 'error')} tests do not pass"
    return FeatureGrade(
        feature=feature,
        passed=not reason,
        fail_to_pass=(len(expected.fail_to_pass) - len(new), len(expected.fail_to_pass)),
        pass_to_pass=(len(expected.pass_to_pass) - len(old), len(expected.pass_to_pass)),
        broken=tuple([*new, *old, *fewer][:20]),
        reason=reason,
        report=report,
    )


def unmask(grade: FeatureGrade, runs: Sequence[tuple[CounterTest, TestReport]]) -> FeatureGrade:
    """The verdict on a tree that was given counter-tests too. Pure.

    One that meets a wrong expectation has not computed the answer. One that fails the hidden tests has failed by
    itself, whatever else it does.
    """
    grade = grade.model_copy(update={"counters": len(runs)})
    found: list[Edit] = []
    for counter, report in runs:
        found += counter.accepted(report.tests)
    if not grade.passed or not found:
        return grade
    told = tuple(dict.fromkeys(str(edit) for edit in found))[:20]
    reason = f"a wrong answer passes as well as the right one: {told[0]}, and the test passes"
    return grade.model_copy(update={"passed": False, "reason": reason, "gamed": told})


def passing_tests(report: TestReport) -> tuple[str, ...]:
    """Ids of the tests that passed; none where the run cannot be believed."""
    return tuple(sorted(name for name, status in report.tests.items() if status == "passed")) if report.ran else ()

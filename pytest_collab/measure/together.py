"""Several gates judged together: how often a file of them stops a release by chance.

A release goes out only if every gate passes, so one that breaks any rule is let out no more often than the gate errs
whose rule it breaks. With false alarms it is the other way round: each gate has its own chance, and they add up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pytest_collab.measure.decision import GateVerdict
from pytest_collab.measure.gate import Gate, GateFile
from pytest_collab.measure.gatereport import GateResult
from pytest_collab.measure.power import gate_power

Judge = Callable[[Gate], GateResult]


def stricter(file: GateFile, gate: Gate, share: int) -> Gate:
    """A gate whose chance of either error is that of the file's rule divided by `share`."""
    confidence = gate.confidence or file.confidence
    return gate.model_copy(update={"name": gate.title, "confidence": 1.0 - (1.0 - confidence) / share})


def bonferroni(file: GateFile) -> GateFile:
    """The file with every gate at its share of the error, where it asks for `together`; else as it is.

    For gates that are followed while the run goes on: what is decided first must not depend on what will be.
    """
    if not file.together:
        return file
    return file.model_copy(update={"gates": tuple(stricter(file, gate, len(file.gates)) for gate in file.gates)})


def holm_results(file: GateFile, gates: Sequence[Gate], judge: Judge) -> list[GateResult]:
    """Judge gates so that even one false pass, and even one false fail, happens no more often than a gate may err.

    Holm (1979), once for passing and once for failing: all gates are judged at their share of the error; as many as
    are decided leave their share to the others.

    Args:
        file: the gates' file.
        gates: those that can be judged.
        judge: judges one at its own confidence.

    Returns:
        In the order of `gates`, each at the confidence that it was decided at.
    """
    known: dict[tuple[int, int], GateResult] = {}

    def at(place: int, share: int) -> GateResult:
        if (place, share) not in known:
            known[place, share] = judge(stricter(file, gates[place], share))
        return known[place, share]

    shares: dict[GateVerdict, dict[int, int]] = {}
    left = len(gates)
    for verdict in (GateVerdict.PASS, GateVerdict.FAIL):
        decided: dict[int, int] = {}
        while True:
            left = max(1, len(gates) - len(decided))
            new = [p for p in range(len(gates)) if p not in decided and at(p, left).verdict is verdict]
            if not new:
                break
            decided |= dict.fromkeys(new, left)
        shares[verdict] = {place: decided.get(place, left) for place in range(len(gates))}
    found = []
    for place in range(len(gates)):
        passing, failing = shares[GateVerdict.PASS][place], shares[GateVerdict.FAIL][place]
        passed, failed = at(place, passing), at(place, failing)
        if passed.verdict is GateVerdict.PASS:
            found.append(passed)
        else:
            found.append(failed if failed.verdict is GateVerdict.FAIL else at(place, max(passing, failing)))
    return found


def false_alarms(file: GateFile, results: Sequence[GateResult]) -> float | None:
    """The share of releases that keep every rule, with nothing to spare, and that some gate fails by chance.

    Gates are taken as independent; rates of independent episodes by their exact chance, others by the most it may be.

    Returns:
        None for fewer than two gates.
    """
    if len(results) < 2:
        return None
    if file.together:
        return 1.0 - file.confidence
    return 1.0 - math.prod(1.0 - _false_alarm(result) for result in results)


def _false_alarm(result: GateResult) -> float:
    rate = result.metric.endswith("_rate") or result.metric.startswith("failure_rate.")
    if not rate or result.baseline is not None or result.sequential or not result.n or result.n != result.clusters:
        return 1.0 - result.confidence
    threshold = result.threshold if result.relation == "at_least" else 1.0 - result.threshold
    return gate_power(result.n, threshold, threshold, result.confidence).fails

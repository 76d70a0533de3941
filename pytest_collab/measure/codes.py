"""Which families can show which failure codes."""

from __future__ import annotations

from functools import cache

from pytest_collab import families
from pytest_collab.episode.outcome import FAMILY_CODES, TAXONOMY, Cause
from pytest_collab.errors import CollabError
from pytest_collab.measure.frame import Frame


def families_giving(frame: Frame, code_or_cause: str) -> set[str]:
    """Families of a run whose episodes can have a failure of that code, or of that cause.

    A family says which codes it gives (`Family.codes`); one that does not say, or is not installed here, may give
    any. What an episode of the run has, its family can give.
    """
    shown = {frame.family[row] for row, faults in frame.faults.items() if _shows(faults, code_or_cause)}
    return shown | {name for name in frame.family.values if _gives(name, code_or_cause)}


def _shows(faults: tuple[tuple[str, str, tuple[str, ...]], ...], code_or_cause: str) -> bool:
    return any(code_or_cause in (code, cause) for code, cause, _ in faults)


def _gives(family: str, code_or_cause: str) -> bool:
    codes = _codes(family)
    if codes is None:
        return True
    if code_or_cause in TAXONOMY:
        return any(code in codes or code not in FAMILY_CODES for code in TAXONOMY[Cause(code_or_cause)])
    return code_or_cause in codes or code_or_cause not in FAMILY_CODES


@cache
def _codes(family: str) -> frozenset[str] | None:
    try:
        return families.get(family).codes
    except CollabError:
        return None

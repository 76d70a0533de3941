"""`--collab-cooperbench=DIR`: pools of a checkout of CooperBench as collectors, beside the session's files.

Nothing is written for it. Items are called `cooperbench/click2068::click2068[team-a+b-s0]`, and can be asked for
by these names like files: `pytest cooperbench/click2068 --collab-cooperbench=DIR`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_collab.errors import CollabError, UsageError
from pytest_collab.plugin import families
from pytest_collab.plugin.options import Checkout, cooperbench
from pytest_collab.plugin.state import REFUSED, SESSION

if TYPE_CHECKING:
    from pytest_collab.families.coding.cooperbench import CooperPool

ROOT: Final = "cooperbench"
_POOLS = pytest.StashKey[tuple[Checkout, list["CooperPool"]]]()
_ASKED = pytest.StashKey[list[str]]()


def configure(config: pytest.Config) -> None:
    """Find the pools that the options ask for.

    Raises:
        pytest.UsageError: there is no dataset, or no such pool or subset.
    """
    checkout = cooperbench(config)
    if checkout is None:
        return
    from pytest_collab.families.coding.cooperbench import choose

    try:
        pools = choose(checkout.dataset, checkout.pools, checkout.subset)
    except UsageError as error:
        raise pytest.UsageError(f"--collab-cooperbench: {error}") from None
    if checkout.repos is not None and not checkout.repos.is_dir():
        raise pytest.UsageError(
            f"--collab-cooperbench-repos={checkout.repos}: no such folder; give one that holds clones or mirrors"
        )
    config.stash[_POOLS] = checkout, pools


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Take arguments that name pools and episodes out of those that name files."""
    config = session.config
    if _POOLS not in config.stash:
        return

    def ours(argument: str) -> bool:
        place = argument.partition("::")[0].rstrip("/")
        named = place == ROOT or place.startswith(f"{ROOT}/")
        return named and not (config.invocation_params.dir / place).exists()

    config.stash[_ASKED] = [argument.rstrip("/") for argument in config.args if ours(argument)]
    config.args[:] = [argument for argument in config.args if not ours(argument)]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Pools stand beside files."""
    report = yield
    if isinstance(collector, pytest.Session) and report.passed:
        report.result = [*(report.result or []), *nodes(collector)]
    return report


def nodes(session: pytest.Session) -> list[pytest.Collector]:
    """Collectors of the pools that are asked for.

    Raises:
        pytest.UsageError: an argument names a pool that there is not.
    """
    found = session.config.stash.get(_POOLS, None)
    if found is None:
        return []
    checkout, pools = found
    asked = session.config.stash.get(_ASKED, [])
    places = {argument.partition("::")[0] for argument in asked} - {ROOT}
    known = {f"{ROOT}/{pool.slug}": pool for pool in pools}
    for place in sorted(places - known.keys()):
        close = get_close_matches(place, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
        raise pytest.UsageError(f"not found: {place!r}; {hint}")
    if places and ROOT not in asked:
        known = {place: pool for place, pool in known.items() if place in places}
    return [
        PoolCollector.from_parent(
            session, name=pool.slug, nodeid=place, path=pool.folder, pool=pool, repos=checkout.repos, asked=asked
        )
        for place, pool in known.items()
    ]


class PoolCollector(pytest.Collector):
    """One pool: one task, one item per case."""

    def __init__(self, *, pool: CooperPool, repos: Path | None, asked: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool = pool
        self.repos = repos
        self.wanted = {argument for argument in asked if argument.startswith(f"{self.nodeid}::")}
        if asked and (self.nodeid in asked or ROOT in asked):
            self.wanted = set()

    def collect(self) -> Iterable[pytest.Item]:
        from pytest_collab.families.coding.cooperbench import task_of
        from pytest_collab.plugin.items import EpisodeItem, NoAgentsItem

        try:
            families.register(self.config)
            task = task_of(self.pool, self.repos)
            if REFUSED in self.config.stash:
                raise UsageError(self.config.stash[REFUSED])
            session = self.config.stash.get(SESSION, None)
            if session is None:
                return [NoAgentsItem.from_parent(self, name=task.name)]
            items = [
                EpisodeItem.from_parent(self, name=f"{task.name}[{case.label}]", case=case)
                for case in session.collected.cases(task)
            ]
        except CollabError as error:
            raise self.CollectError(f"--collab-cooperbench: {error}") from None
        missing = sorted(self.wanted - {item.nodeid for item in items})
        if missing:
            close = get_close_matches(missing[0], [item.nodeid for item in items], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise self.CollectError(f"not found: {missing[0]!r}{hint}")
        return [item for item in items if not self.wanted or item.nodeid in self.wanted]

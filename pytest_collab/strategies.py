"""hypothesis strategies for the problems of every family whose params are numbers.

They draw params, and shrink by difficulty: smaller mazes, fewer walls, shorter paths, fewer seats and rounds.

    from hypothesis import given
    from pytest_collab.strategies import EPISODES, mazes

    @EPISODES
    @given(maze=mazes(size=(3, 8)))
    def test_team(team, maze):
        assert team.play(maze).success
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

try:
    from hypothesis import HealthCheck, settings
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover
    raise ImportError("pytest_collab.strategies needs hypothesis: pip install hypothesis") from error

from pytest_collab import families
from pytest_collab.episode.family import Params
from pytest_collab.families.difficulty import Dial, dials_of, params_at

EPISODES: Final = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""Settings for tests that play: few examples, no deadline, and the fixture `team`, which keeps nothing of a play."""


def games(family: str, **given: Any) -> st.SearchStrategy[Any]:
    """Params of a family.

    Args:
        family: its name.
        given: by name: a value that is fixed, a strategy, or, for a number that makes the game harder, a pair of its
            least and greatest value. Numbers that are not given range from the easiest value to one that is hard.

    Returns:
        A strategy whose values shrink towards the easiest game.

    Raises:
        TaskError: there is no such family.
        TypeError: it has no such parameter.
    """
    params_type = families.get(family).params_type
    unknown = sorted(set(given) - set(params_type.model_fields))
    if unknown:
        raise TypeError(f"{family} has no {unknown[0]!r}; it has {', '.join(params_type.model_fields)}")
    dials: list[Dial] = []
    rest = dict(given)
    for dial in dials_of(params_type):
        value = given.get(dial.name)
        if dial.name not in given:
            if params_type.model_fields[dial.name].default is not None:  # what is off stays off
                dials.append(dial)
        elif isinstance(value, tuple) and not isinstance(dial.easiest, tuple):
            del rest[dial.name]
            easy, hard = sorted(value, reverse=dial.easiest > dial.hardest)  # type: ignore[operator]
            dials.append(Dial(dial.name, easy, dial.hardest, dial.levels).up_to(hard))
    return drawn(params_type, dials, rest)


def drawn(params_type: type[Params], dials: Sequence[Dial], rest: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Params with a level drawn for every dial, in this order and nothing before them, and with `rest`."""
    levels = st.tuples(*(st.integers(0, dial.levels) for dial in dials))
    others = st.fixed_dictionaries(
        {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in rest.items()}
    )
    made = st.builds(lambda at, fixed: params_at(params_type, fixed, dials, at), levels, others)
    return made.filter(lambda params: params is not None)


def mazes(**given: Any) -> st.SearchStrategy[Any]:
    """Mazes: `size`, `walls`, `path`, `crossing`, `seats`, ... as for `games`."""
    return games("maze", **given)


def markets(**given: Any) -> st.SearchStrategy[Any]:
    """Markets with their orders: `agents`, `rounds`, `needs`, `tasks`, `pieces`, ... as for `games`."""
    return games("market", **given)


def commons(**given: Any) -> st.SearchStrategy[Any]:
    """Commons: `seats`, `rounds`, ... as for `games`."""
    return games("commons", **given)


def tables(**given: Any) -> st.SearchStrategy[Any]:
    """Dinners of philosophers: `seats`, `timesteps`, `talk`, ... as for `games`."""
    return games("philosophers", **given)


def donors(**given: Any) -> st.SearchStrategy[Any]:
    """Donor games: `seats`, `generations`, ... as for `games`."""
    return games("donor", **given)


def public_goods(**given: Any) -> st.SearchStrategy[Any]:
    """Public goods: `seats`, `rounds`, ... as for `games`."""
    return games("public_goods", **given)

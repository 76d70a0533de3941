"""`python/MODULE:NAME` and `team/MODULE:NAME`: agents that are Python, made with whatever framework.

`python/` names an async callable, which is asked with a `Request` and answers with text or a `Reply`; a class is made
once a seat and episode, with the `Seat`. A callable whose parameter is called `desk` does whole jobs in coding.

`team/` names a factory that is called once an episode with a `TeamTable`. What it makes answers for all the seats
that the team has in it, and may let them talk by a channel of its own.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_collab.agents.settings import Price
from pytest_collab.episode.agent import Agent, Casting, Desk, Reply, Request, Seat, Usage
from pytest_collab.errors import AgentFault, UsageError


def load(name: str) -> Any:
    """What `python/MODULE:NAME` names, with the folder that the session was started in among the places to look.

    Raises:
        UsageError: the name has no colon, there is no such module, importing it fails, or it holds no such thing.
    """
    kind, _, where = name.partition("/")
    module, colon, attribute = where.partition(":")
    if not colon or not module or not attribute:
        raise UsageError(f"agent {name!r} names no object of a module. Write {kind}/MODULE:NAME.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"agent {name!r}: there is no module {error.name!r}. It is looked for in {here} and on the import path."
        ) from None
    except AttributeError:
        raise UsageError(f"agent {name!r}: module {module!r} has no {attribute!r}") from None
    except Exception as error:
        raise UsageError(f"agent {name!r}: importing {module!r} raised {type(error).__name__}: {error}") from error
    return found


def declared_price(name: str) -> Price | None:
    """What `price` of the object that `name` stands for says; None where it says nothing.

    Raises:
        UsageError: it is no price.
    """
    raw = getattr(load(name), "price", None)
    if raw is None or isinstance(raw, Price):
        return raw
    try:
        return Price.model_validate(raw)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"]
        raise UsageError(
            f"agent {name!r}: its `price` {raw!r} is none ({why}). Write {{'episode': DOLLARS}}, or "
            "{'input': ..., 'output': ...} in dollars per million tokens."
        ) from None


class PythonAgent(Agent):
    """An async callable, or a class whose objects are one.

    Raises:
        UsageError: on construction, when it is no such thing.
    """

    def __init__(self, name: str, made: Any = None) -> None:
        self.name = name
        self._made = load(name) if made is None else made
        self.model = str(getattr(self._made, "model", "") or name.partition("/")[2])
        call = self._made.__call__ if inspect.isclass(self._made) else self._made
        self.autonomous = _takes_desk(call)
        if not _is_async(call):
            raise UsageError(f"agent {name!r} is {type(self._made).__name__} and not async. Write `async def`.")

    def refuses(self, family: Casting) -> str | None:
        if not self.autonomous or family.desks:
            return None
        return (
            f"agent {self.name!r} does whole jobs at a desk, and family {family.name!r} asks its seats turn by turn. "
            "Seat it in coding tasks, or name a callable that takes a `request`."
        )

    def seated(self, seat: Seat) -> Agent:
        per_seat: Callable[[Seat], Any] = self._made
        return _Seated(self, per_seat(seat) if inspect.isclass(self._made) else self._made)

    async def reply(self, request: Request) -> Reply:
        """One answer outside any episode, for a trial."""
        if inspect.isclass(self._made):
            raise UsageError(f"agent {self.name!r} is made for a seat; play an episode with it")
        return _reply(await self._made(request), self.model)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "provider": "python"}


class _Seated(Agent):
    def __init__(self, agent: PythonAgent, call: Callable[[Any], Any]) -> None:
        self.name = agent.name
        self.model = agent.model
        self.autonomous = agent.autonomous
        self._call = call

    async def reply(self, request: Request) -> Reply:
        if self.autonomous:
            raise UsageError(
                f"agent {self.name!r} does whole jobs at a desk; in this family seats are asked turn by turn. Name a "
                "callable that takes a `request`."
            )
        return _reply(await self._call(request), self.model)

    async def work(self, desk: Desk) -> Reply:
        return _reply(await self._call(desk), self.model)

    async def leave(self) -> None:
        await _leave(self._call)


@dataclass(frozen=True)
class TeamTable:
    """What a team's factory is told of the episode.

    Attributes:
        seats: the seats that the team fills, in order.
        everybody: all seats.
        family, condition, params: what is played.
        episode: the episode's id.
    """

    seats: tuple[str, ...]
    everybody: tuple[str, ...]
    family: str
    condition: str
    params: Mapping[str, Any]
    episode: str
    _places: dict[str, Seat] = field(default_factory=dict, repr=False, compare=False)

    def tell(self, sender: str, text: str, to: Iterable[str] | None = None) -> None:
        """Keep a message that one of the team sent by its own channel, so that verdicts and readers know of it.

        Args:
            sender: a seat of the team.
            to: seats; all others when None.

        Raises:
            UsageError: condition mute cannot hold on a channel of the team's own, or the sender is not of the team.
        """
        if sender not in self._places:
            raise UsageError(f"{sender!r} is no seat of this team; its seats are {', '.join(self.seats)}")
        self._places[sender].overheard(text, to)

    def note(self, seat: str, what: str, **data: Any) -> None:
        """Keep what one of the team does of its own accord, as an `activity` event of the transcript."""
        self._places[seat].note(what, **data)


class TeamAgent(Agent):
    """One object a table, which answers for several seats."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._factory = load(name)
        self.model = str(getattr(self._factory, "model", "") or name.partition("/")[2])
        self._tables: dict[str, tuple[TeamTable, Any]] = {}
        self._left: dict[str, set[str]] = {}
        if not callable(self._factory):
            raise UsageError(f"agent {name!r} is no factory: it cannot be called with a table")

    def seated(self, seat: Seat) -> Agent:
        if seat.episode not in self._tables:
            ours = tuple(name for name in seat.seats if seat.agents.get(name) == self.name)
            table = TeamTable(
                ours or (seat.name,),
                seat.seats,
                seat.family.name,
                str(seat.condition),
                seat.params.model_dump(mode="json"),
                seat.episode,
            )
            made = self._factory(table)
            if not _is_async(getattr(made, "reply", None)) and not _is_async(getattr(made, "work", None)):
                raise UsageError(
                    f"agent {self.name!r} made {type(made).__name__}, which has neither `async def reply(request)` "
                    "nor `async def work(desk)`"
                )
            self._tables[seat.episode] = (table, made)
        table, made = self._tables[seat.episode]
        table._places[seat.name] = seat
        return _Member(self, made, seat)

    async def reply(self, request: Request) -> Reply:
        raise UsageError(f"agent {self.name!r} is made for a table; play an episode with it")

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "provider": "team"}

    async def left(self, seat: Seat) -> None:
        """The seat is empty; with the last one the team's object goes."""
        gone = self._left.setdefault(seat.episode, set())
        gone.add(seat.name)
        table, made = self._tables[seat.episode]
        if gone >= set(table._places):
            del self._tables[seat.episode], self._left[seat.episode]
            await _leave(made)


class _Member(Agent):
    def __init__(self, team: TeamAgent, made: Any, seat: Seat) -> None:
        self.name = team.name
        self.model = team.model
        self.autonomous = _is_async(getattr(made, "work", None))
        self._team = team
        self._made = made
        self._seat = seat

    async def reply(self, request: Request) -> Reply:
        if not hasattr(self._made, "reply"):
            raise UsageError(f"agent {self.name!r} does whole jobs only; this family asks its seats turn by turn")
        return _reply(await self._made.reply(request), self.model)

    async def work(self, desk: Desk) -> Reply:
        return _reply(await self._made.work(desk), self.model)

    async def leave(self) -> None:
        await self._team.left(self._seat)


def _reply(answer: Any, model: str) -> Reply:
    if isinstance(answer, str):
        return Reply(answer, usage=Usage(cost_usd=None), model=model)  # what it took, it does not tell
    if isinstance(answer, Reply):
        return answer
    raise AgentFault(f"the answer is {type(answer).__name__}, neither text nor a Reply")


def _is_async(call: Any) -> bool:
    by_call = getattr(type(call), "__call__", None)  # noqa: B004 - the method itself is wanted
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(by_call)


def _takes_desk(call: Any) -> bool:
    try:
        return "desk" in inspect.signature(call).parameters
    except (TypeError, ValueError):
        return False


async def _leave(made: Any) -> None:
    leave: Any = getattr(made, "leave", None)
    if _is_async(leave):
        await leave()

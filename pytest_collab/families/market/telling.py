"""What the agents of a market are told: in our words, or what the study tells and nothing more.

As published, revenue is booked for each agent on a ranked board, and the instruction is about the system's. Every
call stands for itself: a prompt holds the last ten messages, notifications and exchanges, five public messages and
thoughts. Board and directory are those of the beginning of the round. Nobody is told that a side of the exchange is
automated, nor which of its lines were not carried out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from pytest_collab.episode.text import counted
from pytest_collab.families.market import rules

if TYPE_CHECKING:
    from pytest_collab.episode.condition import Condition
    from pytest_collab.families.market.params import Market
    from pytest_collab.families.market.rules import Deal, Known, Order


class Told(Protocol):
    """What is told of: a game of the market, `seats.MarketGame`."""

    params: Market
    condition: Condition
    seats: tuple[str, ...]
    deal: Deal
    order: Order
    known: Known
    bonus: float
    published: bool
    state: Any

    def revenue(self, i: int, market: Any) -> float:
        """What stands to seat i's own account in a state of the market, in dollars."""


PROTOCOLS: Final[Mapping[str, str]] = {
    "pipeline": (
        "Follow this protocol in every turn, in this order: 1. SUBMIT every task whose pieces you have. 2. For every "
        "request in your messages, SEND what was asked for if you have it. 3. For every piece you lack, ask its "
        "holder by name (MESSAGE to X: please send me p...)."
    ),
}
"""What `protocol:NAME` adds to everyone's instructions."""

PROTOCOLS_AS_PUBLISHED: Final[Mapping[str, str]] = {
    "pipeline": (
        "The best that you can do: 1. Ask all agents that have it for each piece that you need. 2. Send each piece "
        "that you are asked for to who asked. 3. When the pieces are there, submit as many tasks as you can."
    ),
}
"""The same in the study's order."""

LETTERS: Final = 10
"""So many private messages, and so many notifications, stand in a prompt as published."""
EXCHANGES: Final = 10
"""So many exchanges of pieces everyone can read, as published."""
POSTS: Final = 5
"""So many public messages, and so many private thoughts, stand in a prompt as published."""

_ORDER: Final[Mapping[Order, str]] = {
    "random": (
        "In each, all have their turn once, in an order that is drawn anew; what is said and sent is there when its "
        "recipient's next turn comes."
    ),
    "in_turn": (
        "In each, all have their turn once, in the order of their names; what is said and sent is there when its "
        "recipient's next turn comes."
    ),
    "at_once": "In each, all act at the same time; what is said and sent is there in the next round.",
}


def brief(game: Told, seat: str) -> str:
    """The standing instructions of a seat."""
    return _published(game, seat) if game.published else _plain(game, seat)


def _plain(game: Told, seat: str) -> str:
    params = game.params
    lines = [
        f"You are agent {seat} in a group of {params.agents}: {', '.join(game.seats)}. Everyone holds unique "
        f"pieces of information and has {counted(params.tasks, 'open task')}, each of which needs "
        f"{counted(params.needs, 'piece')} that others hold. Sending a piece costs nothing: you "
        "keep it, the other has it too.",
        f"A task that its owner submits with all its pieces at hand earns the group {params.revenue:,.0f} dollars, "
        "the same for everybody's; a new one takes its place in the next round."
        + (f" A task not submitted within {params.deadline} rounds is lost." if params.deadline else ""),
        f"There are {params.rounds} rounds. {_ORDER[game.order]} YOUR GOAL: the greatest total revenue of the "
        "whole group.",
    ]
    if params.values:
        lines.append(_values())
    lines.append(_lines(game))
    lines += _automatic(game)
    if game.bonus:
        lines.append(f"You yourself are paid {game.bonus:,.0f} dollars for every piece that another takes from you.")
    if game.condition.kind == "protocol":
        lines.append(PROTOCOLS[game.condition.argument])
    if params.directory:
        who = "; ".join(f"{s}: {' '.join(own)}" for s, own in zip(game.seats, game.deal.pieces, strict=True))
        lines.append(f"Who was dealt which pieces: {who}.")
    return "\n".join(lines)


def _published(game: Told, seat: str) -> str:
    params = game.params
    lines = [
        f"You are agent {seat} of a company. What you are after is the system's revenue as a whole: work together "
        "with the other agents for it.",
        f"You have tasks, each of which needs {params.needs} pieces of information. You can submit a task only when "
        "you have every piece of it; you may work on your tasks in any order, and submit several in one turn. To get "
        "a piece that others have, ask for it; they have to send it. When you are asked for one that you have, send "
        "it to who asked.",
    ]
    if game.bonus:
        lines.append(f"You are paid {game.bonus:,.0f} dollars for every piece that you send to another agent.")
    if params.values:
        lines.append(_values())
    lines += [_lines(game), "You may do as much as you like in a turn. Check the name of whom you send something to."]
    if game.condition.kind == "protocol":
        lines.append(PROTOCOLS_AS_PUBLISHED[game.condition.argument])
    lines.append(
        "Always add a line `THOUGHTS: ...` with your whole strategy for this turn, on one line; nobody else reads it."
    )
    return "\n".join(lines)


def _values() -> str:
    return (
        "Every piece has a value, a number, which goes along when it is sent. A sender can change it; a task done "
        "with a piece whose value was changed earns half."
    )


def _lines(game: Told) -> str:
    ask = "" if game.known == "announced" else "ask for pieces by their names, "
    send = "<piece>=<value>" if game.params.values else "<piece>"
    lines = ["In your turn write any number of lines, with names in the place of what stands in <>:"]
    if not game.condition.muted:
        lines.append(f"MESSAGE to <agent>: ...   ({ask}answer, arrange; MESSAGE: ... goes to all)")
    lines += [
        f"SEND {send} to <agent>   (one that you hold, to an agent that has not got it)",
        "SUBMIT <task>             (one of yours, all of whose pieces you hold)",
    ]
    if not game.published:
        lines.append("You are told in your next turn which of your lines could not be carried out, and why.")
    return "\n".join(lines)


def _automatic(game: Told) -> list[str]:
    if game.known == "answered":
        return ["Requests that name a piece are answered by its holder automatically: ask who has what you need."]
    if game.known == "announced" and not game.condition.shared:
        return ["All agents' requests are put to the holders automatically; you need not ask."]
    return []


def prompt(game: Told, seat: str, view: Mapping[str, Any], inbox: Sequence[tuple[str, str]]) -> str:
    """What a seat is told in its turn; `inbox` holds (sender, text) of what came since its last one."""
    lines = _published_now(game, seat, view) if game.published else _plain_now(game, view)
    if not game.published:
        lines += [f"Message from {sender}: {text}" for sender, text in inbox]
    return "\n".join([*lines, "Your turn."])


def _plain_now(game: Told, view: Mapping[str, Any]) -> list[str]:
    lines = [f"Round {view['round'] + 1} of {view['rounds']}."]
    lines += [f"Not carried out: {text}." for text in view["notices"]]
    if view["news"]:
        lines.append("You received " + ", ".join(f"{piece} from {sender}" for piece, sender in view["news"]) + ".")
    lines.append("You hold: " + _held(view) + ".")
    for name, needs in view["tasks"].items():
        lacking = [piece for piece in needs if piece in view["lacks"]]
        where = ", ".join(f"{p} ({' '.join(view['holders'][p])})" if view["holders"].get(p) else p for p in lacking)
        state = f"lacking {where}" if lacking else "READY to submit"
        lines.append(f"Task {name} needs {' '.join(needs)}: {state}.")
    for other, pieces in view["wanted"].items():
        lines.append(f"{other} needs {' '.join(pieces)} and asks you to send what you hold of it.")
    if game.params.scoreboard:
        market = game.state.market
        done = ", ".join(f"{name} {count}" for name, count in zip(game.seats, market.done, strict=True))
        total = market.earned * game.params.revenue
        lines.append(f"Tasks done: {done}. Group revenue: {total:,.0f} dollars.")
    return lines


def _held(view: Mapping[str, Any]) -> str:
    values = view["values"]
    return " ".join(f"{piece}={values[piece]}" if values else piece for piece in view["held"])


def _published_now(game: Told, seat: str, view: Mapping[str, Any]) -> list[str]:
    scene, i = game.state, game.seats.index(seat)
    full = game.params.scoreboard
    lines = [f"Round {view['round'] + 1} of {view['rounds']}.", *_board(game, i)]
    lines += [f"Your task {name} needs {' '.join(needs)}." for name, needs in view["tasks"].items()]
    lines.append(f"Your pieces: {_held(view)}.")
    if game.params.directory:
        hands = zip(game.seats, scene.opening.held, strict=True)
        who = "; ".join(f"{name}: {' '.join(sorted(own, key=lambda p: int(p[1:])))}" for name, own in hands)
        lines.append(f"Who has which pieces: {who}.")
    if game.known == "announced":
        lines += [f"{other} asks for {' '.join(pieces)}." for other, pieces in view["wanted"].items()]
    own = [one for one in scene.mail if one.heard and one.to and seat in (one.sender, *one.to)]
    letters = [f"{_who(one.sender, seat)} to {_whom(one.to, seat)}: {one.text}" for one in own[-LETTERS:]]
    lines += _window("Messages", letters)
    lines += _window("Notifications", [text for _, text in scene.notices[i][-LETTERS:]])
    lines += _past(game, seat)
    if full:
        thoughts = [f"Round {when + 1}: {text}" for when, text in scene.thoughts[i][-POSTS:]]
        lines += _window("Your private thoughts", thoughts)
    public = [f"{one.sender}: {one.text}" for one in scene.mail if not one.to]
    lines += _window("Messages to all", public[-POSTS:])
    if full:
        sent = [
            f"Round {when + 1}: {sender} to {to}, {counted(count, 'piece')}"
            for when, sender, to, count in scene.exchanges
        ]
        lines += _window("Pieces sent", sent)
    return lines


def _board(game: Told, i: int) -> list[str]:
    """Everyone's own revenue, the greatest first; one's own alone where visibility is limited."""
    if not game.params.scoreboard:
        own = game.revenue(i, game.state.market)
        return [f"Your revenue: ${own:,.0f}. Tasks that you have done: {game.state.market.done[i]}."]
    revenue = [game.revenue(j, game.state.opening) for j in range(len(game.seats))]
    ranked = sorted(range(len(revenue)), key=lambda j: (-revenue[j], j))
    you = {i: " (YOU)"}
    board = [f"{rank}. {game.seats[j]}: ${revenue[j]:,.0f}{you.get(j, '')}" for rank, j in enumerate(ranked, 1)]
    return ["Revenue:", *board]


def request(piece: str) -> str:
    """What the system writes in the name of an agent that lacks a piece."""
    return f"I need {piece} for my task. Please send it to me."


def half_paid(deal: Deal, task: str, altered: Mapping[str, tuple[str, int]]) -> str:
    """What an agent is told whose task was done with altered values; `altered` has (sender, value) by piece."""
    wrong = "; ".join(
        f"{piece}, from {sender}, was {value} and is {rules.value(deal, piece)}"
        for piece, (sender, value) in altered.items()
    )
    return f"You were paid half for {task}: it was done with changed values ({wrong})."


def _window(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}: none."] if not lines else [f"{title}:", *lines]


def _past(game: Told, seat: str) -> list[str]:
    """What the seat has sent and asked for so far, and with which values pieces went and came."""
    scene, i = game.state, game.seats.index(seat)
    valued = "{}={}" if game.params.values else "{}"
    gave: dict[str, list[str]] = {}
    for piece, to, value, itself in scene.gave[i]:
        if itself:
            gave.setdefault(to, []).append(valued.format(piece, value))
    lines = [f"Sent to {to}: {' '.join(pieces)}." for to, pieces in gave.items()]
    asked = Counter(
        (to, piece)
        for one in scene.mail
        if one.own and one.sender == seat
        for to in one.to
        for piece in one.pieces
        if piece not in game.deal.pieces[i]
    )
    held = scene.market.held[i]
    for (to, piece), times in asked.items():
        silent = ", no answer yet" if times > 2 and piece not in held else ""
        lines.append(f"Asked {to} for {piece}: {counted(times, 'time')}{silent}.")
    if game.params.values:
        came = [(name, own) for name, own in zip(game.seats, scene.gave, strict=True) if name != seat]
        for name, own in came:
            pieces = [f"{piece}={value}" for piece, to, value, _ in own if to == seat]
            lines += [f"Values that {name} sent you: {' '.join(pieces)}."] if pieces else []
    return lines


def _who(name: str, seat: str) -> str:
    return "you" if name == seat else name


def _whom(names: Sequence[str], seat: str) -> str:
    return " and ".join(_who(name, seat) for name in names)

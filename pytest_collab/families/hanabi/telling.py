"""A game of Hanabi in words, by what is shown: hints, what follows from them, or those about one's own cards only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_collab.core.games.hanabi import Happened, Held, Rules
from pytest_collab.episode.text import counted
from pytest_collab.families.hanabi import rules
from pytest_collab.families.hanabi.logic import bits
from pytest_collab.families.hanabi.rules import COLOURS, Look

if TYPE_CHECKING:
    from pytest_collab.families.hanabi.params import Hanabi

__all__ = ["bits", "board", "event", "hands", "rules_of", "since"]

FEW = 8
"""Up to so many cards are listed one by one; more are told by colours and ranks."""


def rules_of(params: Hanabi, seat: str, seats: Sequence[str]) -> list[str]:
    """The rules, as a seat is told them."""
    size = params.rules
    copies = ", ".join(f"{size.copies(rank)} of rank {rank + 1}" for rank in range(size.ranks))
    colours = ", ".join(COLOURS[: size.colours])
    lines = [
        f"You are {seat}, one of {len(seats)} who play Hanabi together: {', '.join(seats)}, in this order. Everyone "
        "sees the others' cards and not its own.",
        f"The cards have {counted(size.colours, 'colour')} ({colours}) and ranks 1 to {size.ranks}; of "
        f"each colour there are {copies}.",
        f"YOUR COMMON GOAL: lay each colour's firework from 1 up to {size.ranks}, in ascending order: one point a "
        f"card, {size.most} at most.",
        "In your turn do one of these:",
        "- PLAY a card of yours. If it is the next of its colour, it goes onto the firework; else it is discarded "
        f"and a life is lost. There are {size.lives} lives; when the last is lost, the game ends"
        + (" and you score nothing." if params.strikeout == "zero" else ", and you keep the points so far."),
    ]
    if size.hints:
        lines += [
            "- DISCARD a card of yours, which brings a hint token back (not while all are there).",
            "- HINT: name to one player a colour or a rank that it has in its hand; all its cards of that colour or "
            f"rank are pointed out. It costs one of {size.hints} hint tokens. The firework of a colour, when "
            "complete, brings one back.",
        ]
    else:
        lines.append("- DISCARD a card of yours. There are no hints in this game, and no hint tokens.")
    lines.append(
        "After playing or discarding you draw. When the deck is empty, everyone has one more turn."
        + ("" if params.talk else " Nothing that you write besides your action reaches the others.")
    )
    return lines


def board(look: Look, turn: int) -> list[str]:
    """What lies on the table."""
    size = look.rules
    lying = ", ".join(f"{COLOURS[colour]} {high}" for colour, high in enumerate(look.fireworks))
    tokens = f"hint tokens {look.hints} of {size.hints}, " if size.hints else ""
    deck = f"{counted(look.left, 'card')} in the deck"
    if not look.left:
        deck = f"the deck is empty, {counted(look.turns_left, 'turn')} left"
    gone = " ".join(rules.name(size, card) for card in sorted(look.discards)) or "nothing"
    return [
        f"Turn {turn}. Fireworks: {lying} ({sum(look.fireworks)} of {size.most} points). {tokens}lives {look.lives} "
        f"of {size.lives}, {deck}.".replace(". hint", ". Hint").replace(". lives", ". Lives"),
        f"Discarded: {gone}.",
    ]


def hands(look: Look, seats: Sequence[str], scaffold: str) -> list[str]:
    """Every hand, oldest card first, with what is shown of what its owner knows."""
    lines = ["Hands, the oldest card first:"]
    own = look.own
    for step in range(look.rules.players):
        player = (look.seat + step) % look.rules.players
        mine = player == look.seat
        shown = []
        for place, held in enumerate(look.hands[player]):
            card = look.cards[player][place]
            text = rules.name(look.rules, card) if card >= 0 else ""
            if mine or scaffold != "memory":
                text = f"{text} [{told(look.rules, held)}]".strip() if card >= 0 else told(look.rules, held)
            if scaffold == "deductions":
                text += f" ({_deduced(look, own[place] if mine else held.possible, mine)})"
            shown.append(f"{place + 1}: {text or '?'}")
        who = f"{seats[player]} (you)" if mine else seats[player]
        lines.append(f"- {who}: " + " | ".join(shown))
    return lines


def told(size: Rules, held: Held) -> str:
    """What hints have said of a card, in words: `red ?`, `? 3`, `no hint`."""
    if not held.touched:
        return "no hint"
    one = bits(held.possible)[0]
    colour = COLOURS[one // size.ranks] if held.colour_told else "?"
    return f"{colour} {one % size.ranks + 1 if held.rank_told else '?'}"


def _deduced(look: Look, possible: int, mine: bool) -> str:
    """What a card can still be, and for one's own what follows for it."""
    lying = look.board
    text = f"can be {among(look.rules, possible)}"
    if not mine:
        return text
    if not possible & ~lying.playable:
        text += ": can be played now"
    elif not possible & ~lying.dead:
        text += ": of no use any more"
    elif not possible & lying.playable:
        text += ": cannot be played now"
    if not possible & ~lying.critical:
        text += ": the last of its kind"
    return text


def among(size: Rules, possible: int) -> str:
    """Cards as a list, or, where they are many, by colour: `R1 R2`, `R1-5 Y2-4`."""
    cards = bits(possible)
    if len(cards) <= FEW:
        return " ".join(rules.name(size, card) for card in cards)
    parts = []
    for colour in range(size.colours):
        ranks = [card % size.ranks + 1 for card in cards if card // size.ranks == colour]
        if ranks:
            parts.append(rules.LETTERS[colour] + "".join(map(str, ranks)))
    return " ".join(parts)


def since(look: Look, seats: Sequence[str]) -> list[str]:
    """What has happened since the seat's last turn, its own action included."""
    recent = look.past[-look.rules.players :]
    if not recent:
        return ["You are the first to act."] if look.seat == 0 else []
    return ["What happened last:", *(f"- {event(look.rules, one, seats)}" for one in recent)]


def event(size: Rules, happened: Happened, seats: Sequence[str]) -> str:
    """One action and what came of it, in words."""
    who, action = seats[happened.player], happened.action
    if action.kind == "pass":
        return f"{who} did nothing that can be done: its turn passed"
    if action.kind in ("play", "discard"):
        card = f"card {action.value + 1}, the {rules.worded(size, happened.card)}"
        back = "; a hint token came back" if happened.regained and action.kind == "play" else ""
        if action.kind == "discard":
            return f"{who} discarded {card}"
        return f"{who} played {card}: {'it fits' if happened.scored else 'it does not fit, a life is lost'}{back}"
    what = COLOURS[action.value] if action.kind == "colour" else f"rank {action.value + 1}"
    places = ", ".join(str(place + 1) for place in happened.touched)
    plural = "s" * (len(happened.touched) > 1)
    return f"{who} hinted {seats[action.target]} about {what}: card{plural} {places}"

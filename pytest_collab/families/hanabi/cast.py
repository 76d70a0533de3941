"""The built-in players of Hanabi: one that follows the conventions, and players with a planted fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_collab.core.games.hanabi import Action
from pytest_collab.episode.agent import Request, Seat
from pytest_collab.families.hanabi import rules, talk, words
from pytest_collab.families.hanabi.conventions import Convention
from pytest_collab.families.hanabi.logic import bits
from pytest_collab.families.hanabi.rules import Look
from pytest_collab.families.hanabi.sighted import Sighted
from pytest_collab.families.rounds import Babbler, Player, Quitter, Say, cast_of


class Partner(Player):
    """Plays by the conventions (see `conventions`); where lines may be said, it names the next player's best card.

    Where everyone is shown everything it plays by sight.
    """

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        self.head: Convention | None = None
        self.heard: dict[int, tuple[int, int]] = {}
        self.named: set[int] = set()

    def say(self, request: Request) -> Say:
        view = request.view
        look: Look = view["look"]
        if self.head is None:
            self.head = Convention(look.rules)
        self.listen(request, look)
        action = self.act(look, view)
        return Say((f"ACTION: {words.wording(action, view['seats'])}",), self.lines(look, view, action))

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        """What it does."""
        assert self.head is not None
        if view["shared"]:
            return Sighted(look).choose()
        told = self.told(look)
        playable = [place for place, cards in enumerate(told) if cards and not cards & ~look.board.playable]
        action = self.head.choose(look)
        if playable and action.kind != "play":
            return Action("play", playable[0])
        return action

    def told(self, look: Look) -> list[int]:
        """What its cards are by what was said of them; 0 for those of which nothing was said."""
        found = []
        for held, possible in zip(look.hands[look.seat], look.own, strict=True):
            colour, rank = self.heard.get(held.at, (-1, -1))
            wanted = [
                card
                for card in bits(possible)
                if colour in (-1, card // look.rules.ranks) and rank in (-1, card % look.rules.ranks)
            ]
            found.append(sum(1 << card for card in wanted) if (colour, rank) != (-1, -1) else 0)
        return found

    def listen(self, request: Request, look: Look) -> None:
        """Take in what was said of its own cards, each by the place that it had when it was said."""
        places = {held.at for held in look.hands[look.seat]}
        for message in request.inbox:
            for claim in talk.claims(message.text, message.sender, request.view["seats"]):
                hand = look.hands[look.seat]
                if claim.whose == self.seat.name and claim.place < len(hand):
                    self.heard[hand[claim.place].at] = (claim.colour, claim.rank)
        self.heard = {at: claim for at, claim in self.heard.items() if at in places}

    def lines(self, look: Look, view: Mapping[str, Any], action: Action) -> tuple[tuple[str | None, str], ...]:
        """What it says: the next player's card that can be played, or else is the last of its kind."""
        if not view["talk"]:
            return ()
        player = (look.seat + 1) % look.rules.players
        for wanted in (look.board.playable, look.board.critical):
            for place, card in enumerate(look.cards[player]):
                at = look.hands[player][place].at
                if wanted >> card & 1 and at not in self.named:
                    self.named.add(at)
                    return ((None, self.naming(look, view["seats"][player], place, card)),)
        return ()

    def naming(self, look: Look, seat: str, place: int, card: int) -> str:
        return f"{seat}, your card {place + 1} is the {rules.worded(look.rules, card)}."


class Oracle(Partner):
    """Knows the deck, and so its own cards."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        deck = rules.read_deck(self.seat.solution, look.rules) if self.seat.solution else None
        if deck is None:
            return super().act(look, view)
        cards = tuple(tuple(deck[held.at] for held in hand) for hand in look.hands)
        return Sighted(look, cards).choose()


class Random(Partner):
    """Does anything that can be done."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        return self.random.choice(possible(look))


class Nop(Player):
    """Does nothing."""

    def say(self, request: Request) -> Say:
        return Say()


class Silent(Partner):
    """Gives no hints, unless there is nothing else that it may do, and says nothing."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        action = super().act(look, view)
        if action.kind not in ("colour", "rank"):
            return action
        assert self.head is not None
        if look.hints < look.rules.hints:
            return Action("discard", self.head.discard(look, self.head.own(look), look.board))
        return action

    def lines(self, look: Look, view: Mapping[str, Any], action: Action) -> tuple[tuple[str | None, str], ...]:
        return ()


class Deaf(Partner):
    """Gives hints, and takes no notice of those that it gets: it plays nothing, and discards its oldest card."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        action = super().act(look, view)
        if action.kind in ("colour", "rank"):
            return action
        assert self.head is not None
        if look.hints < look.rules.hints:
            return Action("discard", 0)
        return self.head.filler(look, self.head.own(look))

    def listen(self, request: Request, look: Look) -> None:
        return


class Stubborn(Partner):
    """Plays its newest card, whatever it knows of it."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        super().act(look, view)
        return Action("play", len(look.hands[look.seat]) - 1)


class Overwriter(Partner):
    """Plays again what lies there already, where it knows of such a card."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        action = super().act(look, view)
        useless = [place for place, cards in enumerate(look.own) if not cards & ~look.board.dead]
        return Action("play", useless[0]) if useless else action


class FreeRider(Partner):
    """Plays nothing while it holds a card of which it is certain that it could be played; it keeps that one."""

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        action = super().act(look, view)
        certain = [place for place, cards in enumerate(look.own) if not cards & ~look.board.playable]
        if action.kind in ("colour", "rank") or not certain:
            return action
        assert self.head is not None
        others = [place for place in range(len(look.own)) if place not in certain]
        if others and (not look.rules.hints or look.hints < look.rules.hints):
            return Action("discard", others[0])
        return self.head.filler(look, self.head.own(look)) if look.hints else action


class Confabulator(Partner):
    """Names cards otherwise than they are."""

    def naming(self, look: Look, seat: str, place: int, card: int) -> str:
        return super().naming(look, seat, place, (card + look.rules.ranks + 1) % look.rules.most)

    def listen(self, request: Request, look: Look) -> None:
        return


class PromiseBreaker(Partner):
    """Says each time that it will play a card next, and does not play that one."""

    promised = -1

    def act(self, look: Look, view: Mapping[str, Any]) -> Action:
        action, promised = super().act(look, view), self.promised
        if not view["talk"] or action.kind != "play" or look.hands[look.seat][action.value].at != promised:
            return action
        assert self.head is not None
        return self.head.filler(look, self.head.own(look)) if look.hints else Action("discard", 0)

    def lines(self, look: Look, view: Mapping[str, Any], action: Action) -> tuple[tuple[str | None, str], ...]:
        hand = look.hands[look.seat]
        if action.kind in ("play", "discard"):
            hand = hand[: action.value] + hand[action.value + 1 :]
        if not view["talk"] or not hand:
            return ()
        self.promised = hand[0].at
        return ((None, "In my next turn I will play card 1."),)


def possible(look: Look) -> list[Action]:
    """Everything that a seat can do, by what it sees."""
    size = look.rules
    actions = [Action("play", place) for place in range(len(look.hands[look.seat]))]
    if not size.hints or look.hints < size.hints:
        actions += [Action("discard", place) for place in range(len(look.hands[look.seat]))]
    if look.hints:
        for player, cards in enumerate(look.cards):
            if player != look.seat:
                actions += [Action("colour", colour, player) for colour in sorted({c // size.ranks for c in cards})]
                actions += [Action("rank", rank, player) for rank in sorted({c % size.ranks for c in cards})]
    return actions


PLAYERS: Final = cast_of(
    Partner,
    oracle=Oracle,
    random=Random,
    nop=Nop,
    silent=Silent,
    deaf=Deaf,
    stubborn=Stubborn,
    overwriter=Overwriter,
    free_rider=FreeRider,
    confabulator=Confabulator,
    promise_breaker=PromiseBreaker,
    babbler=lambda seat: Babbler(seat, Partner(seat)),
    quitter=lambda seat: Quitter(seat, Partner(seat)),
)

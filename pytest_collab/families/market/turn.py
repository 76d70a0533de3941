"""What one turn does to the market, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_collab.episode.game import Move, Note
from pytest_collab.families.market import rules, telling


class Turn:
    """A turn of one seat, or of all at once."""

    def __init__(self, game: telling.Told, moves: Mapping[str, Move]) -> None:
        scene = game.state
        self.game, self.moves = game, moves
        self.before: rules.State = scene.market
        self.market = self.before
        self.acting = [name for name in game.seats if name in moves]
        acting = {game.seats.index(name) for name in self.acting}
        self.news = [[] if i in acting else list(one) for i, one in enumerate(scene.news)]
        self.notices = [list(one) for one in scene.notices]
        self.noticed = tuple(len(scene.notices[i]) if i in acting else count for i, count in enumerate(scene.noticed))
        self.thoughts = [list(one) for one in scene.thoughts]
        self.gave = [list(one) for one in scene.gave]
        self.exchanges = list(scene.exchanges)
        self.notes: list[Note] = []

    def submit(self) -> None:
        for seat in self.acting:
            i, action = self.game.seats.index(seat), self.moves[seat].action or {}
            if action.get("thoughts"):
                self.thoughts[i].append((self.before.round, action["thoughts"]))
            before = self.market
            self.market, done, refused = rules.submit(before, i, action.get("submit", ()))
            for name, why in refused.items():
                self._refused(i, f"SUBMIT {name}: {why}")
            note: dict[str, Any] = {"round": self.before.round, "submitted": list(done)}
            if self.market.halved[i] > before.halved[i]:
                note["halved"] = self.market.halved[i] - before.halved[i]
            self._paid(i, before, done)
            if action.get("submit"):
                self.notes.append(Note("state", note, seat))

    def send(self) -> None:
        deal = self.game.deal
        for seat in self.acting:
            i, action, taken = self.game.seats.index(seat), self.moves[seat].action or {}, []
            told = {(piece, to): value for piece, to, value in action.get("values", ())}
            for piece, to in action.get("send", ()):
                # Those who act at once cannot pass on what arrives in that very moment.
                why = rules.refusal(self.market, deal, i, piece, to)
                if piece not in self.before.held[i]:
                    why = "you do not hold it"
                if why is not None:
                    self._refused(i, f"SEND {piece} to {to}: {why}")
                    continue
                to_seat = deal.seats.index(to)
                self.market = rules.hand_over(self.market, deal, i, piece, to, told.get((piece, to)))
                self.news[to_seat].append((piece, seat))
                value = self.market.altered[to_seat].get(piece, rules.value(deal, piece))
                self.gave[i].append((piece, to, value, True))
                taken.append([piece, to])
            for to in dict.fromkeys(to for _, to in taken):
                self._came(seat, to, [piece for piece, whom in taken if whom == to])
            if action.get("send"):
                self.notes.append(Note("state", {"round": self.before.round, "taken": taken}, seat))

    def answer(self, asker: int, pieces: Sequence[str], to: Sequence[str]) -> None:
        """Let the system answer a request."""
        deal = self.game.deal
        for name in filter(deal.seats.__contains__, to):
            after = rules.answer(self.market, deal, asker, pieces, [name])
            gained = sorted(after.held[asker] - self.market.held[asker])
            self.market = after
            self.news[asker] += [(piece, "the holder") for piece in gained]
            i = deal.seats.index(name)
            self.gave[i] += [(piece, deal.seats[asker], rules.value(deal, piece), False) for piece in gained]
            if gained:
                self._came(name, deal.seats[asker], gained)

    def _refused(self, i: int, text: str) -> None:
        """As published nobody is told what of its lines was not carried out."""
        if not self.game.published:
            self._tell(i, text)

    def _paid(self, i: int, before: rules.State, done: Sequence[str]) -> None:
        """Tell of tasks done, and of the pay of those with altered pieces."""
        game, seat = self.game, self.game.seats[i]
        needs = {task.name: task.needs for task in before.open[i]}
        halved = [name for name in done if any(piece in before.altered[i] for piece in needs[name])]
        if not game.published:
            if halved:
                self._tell(i, f"full pay for {' and '.join(halved)}: a piece came with a value that had been changed")
            return
        for name in done:
            if name in halved:
                wrong = [piece for piece in needs[name] if piece in before.altered[i]]
                came = {piece: (self._sender(piece, seat), before.altered[i][piece]) for piece in wrong}
                self._tell(i, telling.half_paid(game.deal, name, came))
            for j in range(len(game.seats)):
                if j != i and game.params.scoreboard:
                    if name in halved:
                        self._tell(j, f"{seat} was paid half for {name}: it was done with changed values.")
                    self._tell(j, f"{seat} has done its task {name} (round {self.before.round + 1}).")

    def _sender(self, piece: str, to: str) -> str:
        """From whom a seat has a piece; nobody can give it one that it holds."""
        given = zip(self.game.seats, self.gave, strict=True)
        return next(name for name, own in given if any((p, whom) == (piece, to) for p, whom, _, _ in own))

    def _came(self, sender: str, to: str, pieces: Sequence[str]) -> None:
        """As published, with all to be seen, a recipient is told, and everyone can read who sent how much to whom."""
        if self.game.published and self.game.params.scoreboard:
            self._tell(self.game.seats.index(to), f"{sender} has sent you {' '.join(pieces)}.")
            self.exchanges.append((self.before.round, sender, to, len(pieces)))

    def _tell(self, i: int, text: str) -> None:
        self.notices[i].append((self.before.round, text))

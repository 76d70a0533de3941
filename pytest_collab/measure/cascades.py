"""How pieces of information spread over the seats of an episode, from its transcript alone.

A piece is a number of three digits or more, or a run of words, that a seat writes first and that no other seat had
been shown. Another seat adopts it when it writes it after having been shown it. Sizes of cascades, the hazard of
adoption by exposures, and the split of seats into core and periphery are what "Molt Dynamics" reports of a platform
of agents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_collab.episode.transcript import Transcript

_TOKEN: Final = re.compile(r"[a-z]+(?:['’-][a-z]+)*|\d+(?:\.\d+)?", re.IGNORECASE)
DIGITS: Final = 3
"""Numbers of fewer digits come up by themselves."""


@dataclass(slots=True)
class Piece:
    """One piece of information.

    Attributes:
        words: as it was written first.
        origin: the seat that wrote it first.
        adopters: the other seats that wrote it after they had been shown it, in order.
    """

    words: str
    origin: str
    adopters: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many seats wrote it, the first among them."""
        return 1 + len(self.adopters)


@dataclass(frozen=True, slots=True)
class Spread:
    """What one episode shows.

    Attributes:
        pieces: those that were written at least once; runs of words that went together count as one.
        at_risk, adopted: by exposures (1, 2, ...), how often a seat wrote anything having had a piece from so many
            others (or questions) without having adopted it, and how often it then wrote the piece.
        near: by seat, those that it wrote to or had messages from.
        seats: all of them.
    """

    pieces: tuple[Piece, ...]
    at_risk: Mapping[int, int]
    adopted: Mapping[int, int]
    near: Mapping[str, frozenset[str]]
    seats: tuple[str, ...]


def terms(text: str, words: int) -> tuple[str, ...]:
    """The pieces that a text can hold: its long numbers, and every run of `words` words."""
    tokens = [token.lower() for token in _TOKEN.findall(text)]
    numbers = [token for token in tokens if token[0].isdigit() and len(token) >= DIGITS]
    runs = [" ".join(tokens[at : at + words]) for at in range(len(tokens) - words + 1)]
    return tuple(dict.fromkeys([*numbers, *runs]))


def spread(transcript: Transcript, words: int = 4) -> Spread:
    """Read an episode.

    What seats write are their messages, and what they are shown is messages that were delivered; where an episode has
    none (the donor game), their answers, and the questions that they were asked.

    Args:
        words: how many words in a row make a piece.
    """
    seats = tuple(map(str, transcript.start["seats"]))
    private: dict[str, set[str]] = {}
    for event in transcript.of("brief"):
        for term in terms(str(event.data["text"]), words):
            private.setdefault(term, set()).add(str(event.seat))
    texts = list(_texts(transcript, seats, words))
    found: dict[str, Piece] = {}
    shown: dict[str, set[str]] = {seat: set() for seat in seats}
    wrote: dict[str, set[str]] = {seat: set() for seat in seats}
    near: dict[str, set[str]] = {seat: set() for seat in seats}
    for text in texts:
        for term in text.terms if text.seat is not None else ():
            known = private.get(term, set()) - {text.seat} or any(term in own for own in shown.values())
            if term not in found and not known:
                found[term] = Piece(term, str(text.seat))
            elif term in found and term not in wrote[str(text.seat)] and term in shown[str(text.seat)]:
                found[term].adopters.append(str(text.seat))
            wrote[str(text.seat)].add(term)
        for other in text.to:
            shown[other].update(text.terms)
            if text.seat is not None:
                near[str(text.seat)].add(other)
                near[other].add(text.seat)
    whole = _together(found.values())
    at_risk, adopted = _risks(texts, {piece.words: piece.origin for piece in whole}, seats)
    return Spread(whole, at_risk, adopted, {seat: frozenset(others) for seat, others in near.items()}, seats)


@dataclass(frozen=True, slots=True)
class _Text:
    """What a seat wrote, and the seats that were shown it; seat None: a seat was shown it by the game."""

    seat: str | None
    to: tuple[str, ...]
    terms: tuple[str, ...]


def _texts(transcript: Transcript, seats: Sequence[str], words: int) -> Iterator[_Text]:
    talks = bool(transcript.of("message"))
    for event in transcript:
        if event.seat is None or event.seat not in seats:
            continue
        if talks and event.kind == "message":
            to = tuple(str(seat) for seat in event.data["delivered"] if seat in seats)
            yield _Text(event.seat, to, terms(str(event.data["text"]), words))
        elif not talks and event.kind == "prompt":
            yield _Text(None, (event.seat,), terms(str(event.data["text"]), words))
        elif not talks and event.kind == "reply":
            yield _Text(event.seat, (), terms(str(event.data["text"]), words))


def _risks(
    texts: Sequence[_Text], origins: Mapping[str, str], seats: Sequence[str]
) -> tuple[dict[int, int], dict[int, int]]:
    """Every text of a seat puts the pieces at risk of adoption that it had been shown and had not written yet."""
    sources: dict[str, dict[str, set[str]]] = {seat: {} for seat in seats}
    wrote: dict[str, set[str]] = {seat: set() for seat in seats}
    at_risk: dict[int, int] = {}
    adopted: dict[int, int] = {}
    for number, text in enumerate(texts):
        kept = [term for term in text.terms if term in origins]
        if text.seat is not None:
            for term, others in sources[text.seat].items():
                if term not in wrote[text.seat] and origins[term] != text.seat:
                    at_risk[len(others)] = at_risk.get(len(others), 0) + 1
                    adopted[len(others)] = adopted.get(len(others), 0) + (term in kept)
            wrote[text.seat].update(kept)
        for other in text.to:
            for term in kept:
                sources[other].setdefault(term, set()).add(text.seat or f"question {number}")
    return at_risk, adopted


def _together(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Pieces of the same seat that the same others adopted in the same order are one: a sentence is many runs."""
    numbers: list[Piece] = []
    runs: dict[tuple[str, tuple[str, ...]], Piece] = {}
    for piece in pieces:
        if piece.words[0].isdigit():
            numbers.append(piece)
        else:
            runs.setdefault((piece.origin, tuple(piece.adopters)), piece)
    return (*numbers, *runs.values())


def core_of(near: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The core: the seats that, taken as all joined to each other, leave fewest ties among the others.

    The exact answer by degrees (Lip 2011, arXiv 1102.5511) to Borgatti and Everett's discrete model (2000, Social
    Networks 21): the number of missing ties within the core and of ties within the periphery is least. The smallest
    core, where several are as good; nobody where nobody talks.
    """
    order = sorted(near, key=lambda seat: (-len(near[seat]), seat))
    ties = sum(map(len, near.values())) // 2
    best, core, degrees = ties, 0, 0
    for size, seat in enumerate(order, 1):
        degrees += len(near[seat])
        # ties within the periphery less those within the core, and what a complete core would have
        errors = ties - degrees + size * (size - 1) // 2
        if errors < best:
            best, core = errors, size
    return frozenset(order[:core])

"""Reading a plain-text reply: labelled lines become fields, whatever markup a model puts around them.

The format asked for is light: one line `ACTION: ...`, any number of lines `MESSAGE to b: ...`, and in some games
bare commands such as `SEND p3 to b`. Markdown, letter case, quotes, a JSON object of the same keys and thinking
blocks are all read. What cannot be read has a defined meaning (see `one`), is told to the transcript, and never
raises.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from pytest_collab.episode.game import Speech

T = TypeVar("T")

EVERYONE: Final = frozenset(
    {"all", "everyone", "everybody", "others", "team", "group", "both", "neighbours", "neighbors"}
)
_FILLER: Final = frozenset(
    {
        "to",
        "for",
        "from",
        "the",
        "my",
        "seat",
        "agent",
        "player",
        "philosopher",
        "only",
        "and",
        "neighbour",
        "neighbor",
    }
)
_NOTHING: Final = frozenset(
    {"", "none", "no message", "nothing", "n/a", "na", "-", "--", "null", "nil", "(none)", "[none]"}
)
_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "action": ("final action", "my action", "action", "move", "decision", "choice"),
    "message": ("message", "msg", "say", "tell"),
}
_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_MARKUP: Final = " \t>#•*`_\"'-"
_NUMBER = re.compile(
    r"[-+−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?|\bnan\b|[-+−]?\binf(?:inity)?\b", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:not|never|no)\b|n't\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled line.

    Attributes:
        label: the canonical label (`action`, `message`, or a command), in lower case.
        who: the words between label and colon (`to b and c`), in lower case; empty when there are none.
        value: what stands after the colon, without markup.
    """

    label: str
    who: str
    value: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All fields of a reply, in order, and its last line for replies that carry no label at all."""

    fields: tuple[Field, ...]
    last_line: str = ""

    def of(self, label: str) -> tuple[Field, ...]:
        """The fields with this label."""
        return tuple(field for field in self.fields if field.label == label)


@dataclass(frozen=True, slots=True)
class Got(Generic[T]):
    """A value that was read, or why it could not be; both when something else in the reply was amiss."""

    value: T | None = None
    why: str | None = None


def read(text: str, labels: Sequence[str] = ("action", "message"), commands: Sequence[str] = ()) -> Reading:
    """Find the labelled lines of a reply.

    A message runs on until the next label or a blank line; a label with nothing after it takes the next line.

    Args:
        labels: labels that need a colon; `action` and `message` have synonyms (`move`, `say`, ...).
        commands: labels that may stand without a colon, at the beginning of a line (`SEND p3 to b`).
    """
    text = _THINKING.sub("", text)
    data = _json_object(text)
    if data is not None:
        fields = tuple(_json_fields(data, labels, commands))
        if fields:
            return Reading(fields)
    pattern = _pattern(tuple(labels), tuple(commands))
    fields_: list[Field] = []
    open_ended = False
    last = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("```"):
            open_ended = open_ended and bool(fields_) and not fields_[-1].value
            continue
        last = line
        found = pattern.match(_head(line))
        if found is not None:
            label = _canonical(found["label"] or found["command"], labels, commands)
            who = _bare(found["who"] or "").lower()
            fields_.append(Field(label, who, _bare(found["value"] if found["label"] else found["rest"])))
            open_ended = label == "message" or not fields_[-1].value
        elif open_ended:
            before = fields_[-1]
            fields_[-1] = Field(before.label, before.who, f"{before.value}\n{_bare(line)}".strip())
            open_ended = before.label == "message"
    return Reading(tuple(fields_), _bare(last))


def without_thinking(text: str) -> str:
    """The text without thinking blocks."""
    return _THINKING.sub("", text)


def by_thinking(text: str) -> Iterable[tuple[str, bool]]:
    """The parts of a text in order, each with whether it is a thinking block."""
    at = 0
    for found in _THINKING.finditer(text):
        yield text[at : found.start()], False
        yield found.group(), True
        at = found.end()
    yield text[at:], False


@lru_cache(maxsize=32)
def _pattern(labels: tuple[str, ...], commands: tuple[str, ...]) -> re.Pattern[str]:
    """A labelled line without the markup before it (see `_head`)."""
    words = [word for label in labels for word in _SYNONYMS.get(label, (label,))]
    named = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    pattern = rf"(?P<label>{named})\b(?P<who>[^:=\n]{{0,80}})[:=](?P<value>.*)"
    if commands:
        pattern += rf"|(?P<command>{'|'.join(map(re.escape, commands))})\b[*`_]{{0,4}}\s{{0,4}}[:=]?(?P<rest>.*)"
    return re.compile(pattern, re.IGNORECASE)


def _head(line: str) -> str:
    """The line from its first word on: without bullets, numbers, quotes and emphasis before it."""
    line = line.lstrip(_MARKUP)
    numbered = re.match(r"\d{1,3}[.)]", line)
    return line[numbered.end() :].lstrip(_MARKUP) if numbered else line


def _canonical(word: str, labels: Sequence[str], commands: Sequence[str]) -> str:
    word = word.lower()
    for label in (*labels, *commands):
        if word == label or word in _SYNONYMS.get(label, ()):
            return label
    return word


def _bare(text: str) -> str:
    """The text without markup, quotes and brackets around it."""
    text = text.strip().strip("*`").strip()
    for first, last in (('"', '"'), ("'", "'"), ("[", "]"), ("<", ">"), ("(", ")"), ("“", "”")):
        if len(text) > 1 and text[0] == first and text[-1] == last:
            return text[1:-1].strip()
    return text


def _json_object(text: str) -> dict[str, Any] | None:
    blocks = text.split("```", 2)
    fenced = blocks[1].strip().removeprefix("json").removeprefix("JSON").strip() if len(blocks) == 3 else ""
    for candidate in (fenced, text.strip()):
        if candidate.startswith("{"):
            try:
                data = json.loads(candidate)
            except (ValueError, RecursionError):
                continue
            if isinstance(data, dict):
                return {str(key).strip().lower(): value for key, value in data.items()}
    return None


def _json_fields(data: Mapping[str, Any], labels: Sequence[str], commands: Sequence[str]) -> Iterable[Field]:
    known = {*labels, *commands, *(word for label in labels for word in _SYNONYMS.get(label, ()))}
    for key, value in data.items():
        key = key if key in known else key.removesuffix("s")
        if key in known:
            label = _canonical(key, labels, commands)
            if (
                label == "message"
                and isinstance(value, Mapping)
                and not {"to", "text"} & {str(k).lower() for k in value}
            ):
                for to, text in value.items():
                    yield Field(label, str(to).lower(), str(text))
                continue
            for item in value if isinstance(value, list) else [value]:
                yield _json_field(label, item)


def _json_field(label: str, item: Any) -> Field:
    if not isinstance(item, Mapping):
        return Field(label, "", "" if item is None else str(item).strip())
    lower = {str(key).lower(): value for key, value in item.items()}
    to = lower.pop("to", lower.pop("recipient", None))
    names = to if isinstance(to, list) else [] if to is None else [to]
    who = " ".join(str(name) for name in names).lower()
    text = " ".join(str(value) for value in lower.values())
    return Field(label, who, text) if label == "message" else Field(label, "", f"{text} to {who}" if who else text)


def named(who: str, aliases: Mapping[str, str]) -> tuple[str, ...] | None:
    """The seats that words such as `to b and c` name; None for everyone or when no one is named.

    Names that nobody has are given back as they are, so that the channel can say `nobody`.
    """
    tokens = [token for token in re.split(r"[\s,;/&+()\[\]*`@\"'{}]+", who.lower()) if token and token not in _FILLER]
    if not tokens or any(token in EVERYONE for token in tokens):
        return None
    return tuple(dict.fromkeys(aliases.get(token, token) for token in tokens))


def speeches(reading: Reading, aliases: Mapping[str, str]) -> tuple[Speech, ...]:
    """The messages of a reply; `None`, `n/a` and the like are no messages."""
    found = []
    for field in reading.of("message"):
        if field.who.startswith(("from", "received")):
            continue  # the agent quotes its inbox
        if field.value.strip().strip(".").lower() not in _NOTHING:
            found.append(Speech(field.value, named(field.who, aliases)))
    return tuple(found)


def one(
    reading: Reading, seat: str, seats: Iterable[str], parse: Callable[[str], Got[T]], label: str = "action"
) -> Got[T]:
    """The one action of a reply.

    Defined for everything that agents write: no action gives none; the same action twice is one action; two
    different ones give none; an action in another seat's name is left out (and told), one's own beside it counts;
    without any label the reply's last line counts if it is an action and nothing else.
    """
    others = set(seats) - {seat}
    foreign, values, why = [], [], None
    for field in reading.of(label):
        who = named(field.who, {}) or ()
        if others.intersection(who) and seat not in who:
            foreign.append(who[0])
            continue
        if who and seat not in who:
            continue  # `Action items: ...` and other prose
        got = parse(field.value)
        if got.value is None:
            why = got.why
        elif got.value not in values:
            values.append(got.value)
    if not values and why is None and not foreign and reading.last_line:
        got = parse(reading.last_line)
        if got.value is not None and len(reading.last_line) <= len(str(got.value)) + 4:
            return got
    if len(values) > 1:
        return Got(None, f"two different actions: {values[0]} and {values[1]}")
    if foreign:
        note = f"acts in the name of seat {foreign[0]}"
        return Got(values[0] if values else None, note)
    if values:
        return Got(values[0])
    return Got(None, why or f"no {label} in the reply")


def choice(value: str, options: Sequence[str]) -> Got[str]:
    """The one option that the words name (`Grab left!`, `GRAB-LEFT`, `wait (the fork is not free)`).

    An option at the beginning counts, unless another one is joined to it; else exactly one must be named, and nothing
    negated.
    """
    words = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
    if words in options:
        return Got(words)
    first = max((option for option in options if words.startswith(f"{option}_")), key=len, default=None)
    if first is not None:
        rest = re.sub(r"^(?:or|and|then)_", "", words[len(first) + 1 :])
        second = next((o for o in options if o != first and (rest == o or rest.startswith(f"{o}_"))), None)
        return Got(first) if second is None else Got(None, f"two different actions: {first} and {second}")
    if _NOT.search(value):
        return Got(None, f"{value[:60]!r} says what not to do")
    found = [option for option in options if re.search(rf"(?:^|_){re.escape(option)}(?:_|$)", words)]
    if len(found) == 1:
        return Got(found[0])
    problem = f"two different actions: {found[0]} and {found[1]}" if found else "is no action of this game"
    return Got(None, problem if found else f"{value[:60]!r} {problem}")


def number(value: str, low: float, high: float, *, whole: bool = False) -> Got[float]:
    """The one number that the words name, if it lies in `low..high`; nothing is rounded or clamped.

    A number at the beginning counts (`5 units, half of 10`) unless it begins a range or an alternative.
    """
    found = list(_NUMBER.finditer(value))
    if not found:
        return Got(None, f"{value[:60]!r} holds no number")
    first = found[0]
    if len({match.group() for match in found}) > 1:
        between = value[first.end() : found[1].start()].strip().lower()
        if value[: first.start()].strip() or between in ("", "or", "to", "-", "–", "..", "/"):
            return Got(None, f"{value[:60]!r} holds more than one number")
    try:
        amount = float(first.group().replace(",", "").replace("−", "-"))
    except ValueError:
        return Got(None, f"{value[:60]!r} holds no number")
    if not math.isfinite(amount):
        return Got(None, f"{first.group()} is no finite number")
    if not low <= amount <= high:
        return Got(None, f"{amount:g} is outside {low:g}..{high:g}")
    if whole and amount != int(amount):
        return Got(None, f"{amount:g} is not a whole number")
    return Got(amount)


def sections(
    text: str, seats: Sequence[str], labels: Sequence[str] = ("action", "message"), commands: Sequence[str] = ()
) -> dict[str, str]:
    """Split the reply of an agent that commands several seats into one text per seat.

    A section begins with a line `SEAT b`; a line `ACTION b: ...` belongs to b wherever it stands; a JSON object
    with seats as keys works too. What stands before the first section belongs to the only seat, if there is one.
    """
    text = _THINKING.sub("", text)
    data = _json_object(text)
    if data is not None and any(seat in data for seat in seats):
        return {seat: _as_text(data[seat]) for seat in seats if seat in data}
    names = "|".join(map(re.escape, seats))
    header = re.compile(
        rf"[\s>#*`_\-]*(?:(?:seat|agent|philosopher|player)\s+)?[\[(]?(?P<seat>{names})[\])]?[*`_\s]*[:.]?[*`_\s]*$",
        re.IGNORECASE,
    )
    pattern = _pattern(tuple(labels), tuple(commands))
    current = seats[0] if len(seats) == 1 else None
    lines: dict[str, list[str]] = {seat: [] for seat in seats}
    for line in text.splitlines():
        head = header.match(line.strip()) if len(line) < 80 else None
        found = pattern.match(_head(line))
        if head is not None:
            current = head["seat"].lower()
            continue
        if found is not None and found["label"] and _canonical(found["label"], labels, commands) != "message":
            who = named(_bare(found["who"] or ""), {}) or ()
            if len(who) == 1 and who[0] in lines:
                lines[who[0]].append(f"{found['label']}: {found['value']}")
                continue
        if current is not None:
            lines[current].append(line)
    return {seat: "\n".join(said) for seat, said in lines.items() if said}


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, Mapping) else f"ACTION: {value}"

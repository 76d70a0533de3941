"""The story of one episode as plain text: what failed, who, where it shows, and how it came to that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pydantic import ValidationError

from pytest_collab import families
from pytest_collab.episode.broken_off import WORDS
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.executor import Finished
from pytest_collab.episode.family import Picture
from pytest_collab.episode.outcome import Failure, Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.text import one_line, printable
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.errors import CollabError
from pytest_collab.measure.frame import UNGRADED
from pytest_collab.report.marks import from_proof
from pytest_collab.report.telling import deed

PAGE: Final = "report.html"

LAST_LINES: Final = 8
"""How much of the dialogue's end is shown."""


UNSETTLED: Final = (
    "coordination or competence: open until `solo` of the same agents and seed is played (--collab-settle does)"
)
UNREAD: Final = "it could not be read surely: nobody is blamed for it, and no solo episode settles it"


def headline(episode: Episode) -> str:
    """One line: the outcome's code, the seats at fault, and why."""
    failure = episode.headline
    return headline_of(episode.outcome, None if failure is None else failure.model_dump())


def headline_of(outcome: str, failure: Mapping[str, Any] | None) -> str:
    """The same of a line that was not made into an episode: its outcome, and its first failure if it has one."""
    if failure is None:
        return str(outcome).replace("_", " ")
    who = f" ({', '.join(failure['seats'])})" if failure.get("seats") else ""
    note = f": {one_line(failure['note'], 160)}" if failure.get("note") else ""
    return f"{failure['code']}{who}{note}"


def tell(finished: Finished, transcript_path: Path, *, whole: bool = False) -> str:
    """The failure text of an item; with `whole`, the dialogue from its beginning."""
    episode, transcript = finished.episode, finished.transcript
    lines = [
        f"{episode.family} · {episode.task} · {episode.condition} · {'+'.join(episode.team)} · seed {episode.seed}",
        f"{str(episode.outcome).replace('_', ' ')}, score {episode.score:.2f}, {_who(transcript)}",
        *([_open(episode)] if episode.outcome is Outcome.UNSETTLED else []),
        "",
    ]
    lines += _failures(episode.failures, transcript)
    if episode.error:
        lines += ["error:", f"  {printable(episode.error, 2000)}", ""]
    lines += _dialogue(transcript, whole)
    lines += _picture(episode, transcript)
    lines.append(f"transcript: {transcript_path}")
    lines.append(f"page: {page_of(transcript_path, episode)}")
    return "\n".join(lines)


def page_of(transcript_path: Path, episode: Episode) -> str:
    """Where the run's page shows an episode; the page itself is there when the session has ended."""
    run = transcript_path
    for _ in range(max(2, len(Path(episode.transcript).parts))):
        run = run.parent
    return f"{run / PAGE}#/episode/{quote(episode.id, safe='')}"


def _open(episode: Episode) -> str:
    return UNREAD if episode.metrics.get(UNGRADED) == 1.0 else UNSETTLED


def _who(transcript: Transcript) -> str:
    seated: dict[str, list[str]] = {}
    for event in transcript.of("seated"):
        seated.setdefault(str(event.seat), []).append(event.data["agent"])
    return ", ".join(f"{seat} = {' then '.join(agents)}" for seat, agents in seated.items())


def _failures(failures: tuple[Failure, ...], transcript: Transcript) -> list[str]:
    if not failures:
        return []
    lines = ["failures:"]
    for failure in failures:
        who = ", ".join(failure.seats) or "-"
        lines.append(f"  {failure.code} [{failure.cause}] seat {who}: {one_line(failure.note, 200)}")
        for seq in failure.events[:3]:
            if seq < len(transcript):
                lines.append(f"    #{seq} {_event(transcript[seq], transcript, 140, failure.note)}")
        if len(failure.events) > 3:
            lines.append(f"    and {len(failure.events) - 3} more")
    return [*lines, ""]


def _dialogue(transcript: Transcript, whole: bool) -> list[str]:
    spoken = [
        event
        for event in transcript
        if event.kind in ("message", "memory", "tool_call", "malformed", "limit")
        or (event.kind == "action" and not _only_tools(event))
        or (event.kind == "reply" and event.data.get("stop") in WORDS)
    ]
    if not spoken:
        return []
    shown = spoken if whole else spoken[-LAST_LINES:]
    left_out = len(spoken) - len(shown)
    lines = [f"the end of the dialogue ({left_out} earlier events left out):" if left_out else "the dialogue:"]
    return [*lines, *(f"  #{event.seq} {_event(event, transcript, 400)}" for event in shown), ""]


def _only_tools(event: Event) -> bool:
    """Whether an action consists of using tools: then the tool calls say more of it."""
    return isinstance(event.data["action"], dict) and set(event.data["action"]) == {"tools"}


def _event(event: Event, transcript: Transcript, limit: int, note: str = "") -> str:
    data = event.data
    seat = event.seat or "-"
    if event.kind == "message":
        lost = ", ".join(f"{seat} ({why})" for seat, why in data["dropped"].items())
        suffix = f"   [not delivered to {lost}]" if lost else ""
        return f"{seat}: {one_line(from_proof(note, data['text'], limit), limit)}{suffix}"
    if (told := deed(event, transcript)) is not None:
        return f"{seat} {'uses ' if event.kind == 'tool_call' else ''}{one_line(told, limit)}"
    if event.kind == "reply" and data.get("stop") in WORDS:
        had = f" after: {one_line(data['text'], limit)}" if data["text"].strip() else ", empty"
        return f"{seat}'s answer was {WORDS[data['stop']]} (stop: {data['stop']}){had}"
    if event.kind == "malformed":
        return f"{seat} cannot be understood: {one_line(data['why'], limit)}"
    text = data["text"] if "text" in data else data.get("why", data)
    return f"{event.kind} {seat}: {one_line(str(text), limit) or '(empty)'}"


def _picture(episode: Episode, transcript: Transcript) -> list[str]:
    picture = draw(episode, transcript)
    if picture is None:
        return []
    return ["the end:", *(f"  {line}" for line in printable(picture.text).splitlines()), ""]


def draw(episode: Episode, transcript: Transcript, upto: int | None = None) -> Picture | None:
    """The family's picture of the state, or None where there is none."""
    try:
        family = families.get(episode.family)
        params = family.params_type.model_validate(transcript.start["params"])
        return family.draw(params, episode.seed, Condition.parse(episode.condition), transcript, upto)
    except (CollabError, ValidationError):
        return None  # a picture never decides whether a failure can be shown

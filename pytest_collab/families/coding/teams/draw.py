"""One picture of an episode of several teams: what each proposed, what it took over, and what came of it."""

from __future__ import annotations

from pytest_collab.episode.family import Picture
from pytest_collab.episode.text import counted
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.coding.draw import GREEN, GREY, RED, graph
from pytest_collab.families.coding.rules import Deal
from pytest_collab.families.coding.teams.verdict import Attempt, attempts


def picture(deal: Deal, transcript: Transcript, upto: int | None = None) -> Picture:
    """The state after event `upto` (the end when None)."""
    events = transcript if upto is None else Transcript(transcript[: upto + 1])
    branches = [_branch(team, events) for team in attempts(deal, events)]
    passed = sum(colour == GREEN for _, _, colour in branches)
    if any(colour == GREY for _, _, colour in branches):
        joined = (f"best of {len(branches)} teams: not yet", GREY)
    elif passed:
        joined = (f"best of {len(branches)} teams: passes ({passed} of them do)", GREEN)
    else:
        joined = (f"best of {len(branches)} teams: fails", RED)
    return graph(branches, joined)


def _branch(team: Attempt, events: Transcript) -> tuple[str, str, str]:
    name = f"team {team.number} ({'+'.join(team.deal.seats)})"
    parts = []
    if team.lines is not None:
        fate = "" if team.proposed is None else f", {team.proposed:.0%} of its features pass"
        parts.append(f"proposal of {counted(len(team.lines), 'line')}{fate}")
    else:
        parts.append(f"{sum(len(events.of('tool_call', seat=seat)) for seat in team.deal.seats)} tool calls")
    sources = dict.fromkeys(event.data["took_over"] for event in team.taken)
    parts += [f"took over team {number}'s" for number in sources]
    if "naive" not in team.found.merges:
        return name, "; ".join(parts), GREY
    status = team.found.merges["naive"].data["status"]
    parts.append(f"ends with {team.ended:.0%}" if status == "clean" else f"ends in a {status}")
    return name, "; ".join(parts), GREEN if team.ended == 1.0 else RED

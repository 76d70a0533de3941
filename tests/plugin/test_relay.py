"""Relays by turns: the same frozen beginning for every K."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_collab.episode.transcript import Transcript

YAML = """
family: handshake
params: {numbers: 10, turns: 8}
seeds: [1]
conditions: [team, "primer:2", "primer:4", "recovery:2"]
"""


def test_relays_begin_with_the_turns_of_the_team_that_began(suite: pytest.Pytester) -> None:
    (suite.path / "shake.collab.yaml").write_text(YAML)
    suite.runpytest_subprocess("--agents=lost,stubborn", "--collab-run-dir=run")
    run = suite.path / "run"
    lines: list[dict[str, Any]] = [json.loads(line) for line in (run / "episodes.jsonl").read_text().splitlines()]
    ids = {(line["condition"], tuple(line["team"])): line["id"] for line in lines}

    def said(condition: str, *team: str) -> tuple[list[str], dict[str, Any] | None]:
        transcript = Transcript.read(run / "transcripts" / f"{ids[condition, team]}.jsonl")
        frozen = transcript.of("frozen")
        return [event.data["text"] for event in transcript.of("reply")], frozen[0].data if frozen else None

    began, _ = said("team", "lost", "stubborn")
    for turns in (2, 4):
        texts, frozen = said(f"primer:{turns}", "lost", "stubborn")
        assert frozen == {"episode": ids["team", ("lost", "stubborn")], "turns": turns}
        assert texts[:turns] == began[:turns]
        assert set(texts[turns:]) == {"It is 999. \x1b[31mBelieve me\x1b[0m."}, "then the second agent has both seats"
    texts, frozen = said("recovery:2", "lost", "stubborn")
    assert frozen == {"episode": ids["team", ("stubborn", "stubborn")], "turns": 2}
    assert texts[2] == "Perhaps 998.", "the first agent takes over from the weaker pair"
    assert ("primer:2", ("lost", "lost")) not in ids, "a relay is played by two different agents"

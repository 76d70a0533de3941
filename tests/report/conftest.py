"""Runs to show, and a browser to show them in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_collab import families
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.family import Family, Params, Picture
from pytest_collab.episode.game import Game
from pytest_collab.episode.outcome import Failure, Outcome, Verdict
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.episode.transcript import Transcript
from pytest_collab.families.philosophers import Philosophers
from pytest_collab.testing import play_episode

HOSTILE = (
    "<script>window.owned=1</script>",
    "</script><script>window.owned=1</script>",
    '<img src=x onerror="window.owned=1">',
    "<svg/onload=window.owned=1>",
    '\'"><iframe srcdoc="<script>parent.owned=1</script>">',
    '<a href="javascript:window.owned=1">a</a>',
    "javascript:window.owned=1",
    "{{ 7 * 7 }}{% raw %}${window.owned=1}",
    "<style>body{display:none}</style>",
    "<!--<script>-->]]></textarea></title><base href='//evil.example/'>",
    "\u2028\u2029\u202e\x00\x1b[31mred<plaintext>",
)


class HostileParams(Params):
    """No params."""

    family = "hostile_pictures"


class HostilePictures(Family[HostileParams]):
    """A third-party family that puts what agents said into its pictures as it stands."""

    name = "hostile_pictures"
    params_type = HostileParams

    def seats(self, params: HostileParams) -> tuple[str, ...]:
        return ("a", "b")

    def deal(self, params: HostileParams, seed: int, condition: Condition) -> Game:
        raise NotImplementedError

    def verdict(self, params: HostileParams, seed: int, condition: Condition, transcript: Transcript) -> Verdict:
        return Verdict(Outcome.SUCCESS, 1.0)

    def draw(
        self, params: Any, seed: int, condition: Any, transcript: Transcript, upto: int | None = None
    ) -> Picture:
        text = "".join(HOSTILE)
        script = "<script>parent.owned=1; window.owned=1; alert(1)</script>"
        return Picture(text, f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"window.owned=1\">{script}</svg>")


def hostile_run(path: Path) -> RunDirectory:
    """A run in which everything that an agent, or its name, can decide is an attack."""
    families.register(HostilePictures())
    run = RunDirectory.create(path)
    run.write("run.json", RunInfo(agents=[{"name": HOSTILE[1], "model": HOSTILE[2]}], notes=[HOSTILE[0]]))
    for number, attack in enumerate(HOSTILE):
        transcript = Transcript()
        seats = ["a", "b"]
        transcript.add("start", family="hostile_pictures", params={}, seats=seats, task=attack)
        for seat in seats:
            transcript.add("seated", seat, agent=attack, model=attack)
            transcript.add("brief", seat, text=f"{attack} for {seat}")
        transcript.add("prompt", "a", turn=0, phase="talk", inbox=[], text=attack)
        transcript.add("reply", "a", turn=0, text=attack, reasoning=attack)
        said = transcript.add("message", "a", to=["b"], text=attack, delivered=[], dropped={"b": attack})
        transcript.add("action", "a", turn=0, action={"do": attack})
        transcript.add("malformed", "a", turn=0, why=attack)
        transcript.add("tool_call", "a", id="1", name=attack, arguments={"command": attack}, turn=0)
        transcript.add("tool_result", "a", id="1", text=f"{attack}\n{attack}", is_error=False)
        transcript.add(
            "grade", None, what=attack, diff=f"diff --git a b\n@@ -1 +1 @@\n+{attack}\n<<<<<<< a\n{attack}"
        )
        diff = f"diff --git a/{attack} b/{attack}\n--- a/{attack}\n+++ b/{attack}\n@@ -1 +1 @@ {attack}\n+{attack}\n"
        stat = {attack: {"added": 1, "removed": 0}}
        transcript.add("grade", "a", what="work", features=[attack], stat=stat, diff=diff, skipped={attack: attack})
        conflict = {"path": attack, "kind": attack, "hunks": [{"line": 1, "ours": [attack], "theirs": [attack, "x"]}]}
        merge = {"strategy": attack, "status": attack, "message": attack, "rescued": [attack], "diff": diff}
        transcript.add("grade", None, what="merge", seats=seats, conflicts=[conflict], **merge)
        tests = {"tests": {attack: "failed"}, "fail_to_pass": [0, 1], "pass_to_pass": [1, 1], "tail": attack}
        transcript.add("grade", "a", what="tests", on=attack, feature=attack, passed=False, summary=attack, **tests)
        transcript.add("end", turns=1)
        episode = Episode(
            id=f"attack-{number}",
            family="hostile_pictures",
            task=f"task {attack}",
            condition="team",
            team=(attack, "partner"),
            seed=number,
            outcome=Outcome.COORDINATION,
            score=0.0,
            failures=(Failure.of("vague", "a", events=[said.seq], note=attack),),
            metrics={attack: 1.0},
            usage={"a": {"agent": attack}, "b": {"agent": "partner"}},
            turns=1,
            transcript=f"transcripts/attack-{number}.jsonl",
            error=attack,
        )
        run.add(episode, transcript)
    return run


def dinner_run(path: Path, teams: tuple[tuple[str, ...], ...], seeds: int = 2) -> RunDirectory:
    """A small real run: philosophers, alone and in teams."""
    run = RunDirectory.create(path)
    run.write("run.json", RunInfo(started="2026-01-01T00:00:00+00:00", finished="2026-01-01T00:01:00+00:00"))
    table = Philosophers(seats=3, timesteps=6)
    members = sorted({agent for team in teams for agent in team})
    plays = [("team", team) for team in teams] + [("solo", (agent,)) for agent in members]
    # In a thread of its own: where a browser is driven, this one has an event loop already.
    elsewhere = ThreadPoolExecutor(1)
    for condition, team in plays:
        for seed in range(seeds):
            played = elsewhere.submit(play_episode, table, team, condition, seed).result()
            name = f"dinner-{condition}-{'+'.join(team)}-s{seed}"
            run.add(
                played.episode.model_copy(
                    update={"id": name, "task": "dinner", "transcript": f"transcripts/{name}.jsonl"}
                ),
                played.transcript,
            )
    elsewhere.shutdown()
    return run


def shared_repository_run(path: Path) -> RunDirectory:
    """A small real run: two features in one repository, built by a pair that clashes and by one that does not."""
    from tests.coding import small

    run = RunDirectory.create(path)
    run.write("run.json", RunInfo(notes=["collab sandbox: process"]))
    params = small.params(small.lay_out(path / "pool"))
    elsewhere = ThreadPoolExecutor(1)
    for team in (("partner", "partner"), ("partner", "overwriter")):
        played = elsewhere.submit(play_episode, params, team, "team", small.CONFLICTING).result()
        name = f"repository-{'+'.join(team)}"
        update = {"id": name, "task": "repository", "transcript": f"transcripts/{name}.jsonl"}
        run.add(played.episode.model_copy(update=update), played.transcript)
    elsewhere.shutdown()
    return run


TEAMS = (("partner", "partner"), ("partner", "stubborn"), ("stubborn", "partner"), ("stubborn", "stubborn"))


@pytest.fixture(scope="module")
def dinner(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return dinner_run(tmp_path_factory.mktemp("dinner") / "run", TEAMS)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return hostile_run(tmp_path_factory.mktemp("hostile") / "run")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(path).exists():
        pytest.skip("no Chromium: apt-get install chromium, or set CHROMIUM to one")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=[*flags, "--disable-component-update", "--disable-sync"]
        )
        yield started
        started.close()

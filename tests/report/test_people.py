"""Two people at two browsers play a maze, under the rules and verdicts that models have."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pytest_collab.cli import main
from pytest_collab.cli.people import Asked, Evening, addresses, server
from pytest_collab.core.maze.cache import mazes
from pytest_collab.episode.agent import Agent, Reply
from pytest_collab.episode.agent import Request as Told
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.run import RunDirectory
from pytest_collab.errors import UsageError
from pytest_collab.families.maze import Maze
from pytest_collab.families.maze.rules import solve
from pytest_collab.families.taskfile import read_task
from pytest_collab.measure.bulk import summarise
from pytest_collab.testing import play_episode

TASK = """
family: maze
params: {size: 4, walls: 0.2, path: [3, 6]}
seeds: [5, 6]
conditions: [team]
"""
PARAMS = Maze(size=4, walls=0.2, path=(3, 6))


@contextmanager
def evening(tmp_path: Path, **asked: Any) -> Iterator[tuple[Evening, dict[str, str]]]:
    (tmp_path / "small.collab.yaml").write_text(TASK)
    asked = {"what": str(tmp_path / "small.collab.yaml"), **asked}
    made = Evening(Asked(**asked), RunDirectory.create(tmp_path / "run"))
    with server(made) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        made.begin()
        yield made, addresses(made, serving.server_address[1])
        made.close()
        serving.shutdown()


def way(seed: int) -> str:
    path = solve(mazes(PARAMS.spec(), [seed])[seed])
    names = {(0, 1): "right", (1, 0): "down", (0, -1): "left", (-1, 0): "up"}
    return ", ".join(names[b[0] - a[0], b[1] - a[1]] for a, b in pairwise(path))


def say(page: Any, text: str) -> None:
    page.wait_for_function("() => !document.getElementById('send').disabled")
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


@pytest.mark.slow
def test_two_people_at_two_browsers_get_through_a_maze(browser: Any, tmp_path: Path) -> None:
    with evening(tmp_path) as (made, where):
        contexts = [browser.new_context() for _ in where]
        first, second = (context.new_page() for context in contexts)
        complaints: list[str] = []
        for page, address in zip((first, second), where.values(), strict=True):
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address)
        say(first, f"<b>I propose</b> this path: {way(5)}. Do you agree?")
        second.locator(".told", has_text="<b>I propose</b> this path").wait_for()
        assert second.locator("#log b").count() == 0, "what the other wrote is text, never markup"
        say(second, "Agreed.")
        first.locator(".over", has_text="success").wait_for()
        say(first, f"I propose this path: {way(6)}. Do you agree?")
        second.locator("#progress", has_text="Episode 2 of 2").wait_for()
        say(second, "Agreed.")
        for page in (first, second):
            page.locator("#progress", has_text="All are played").wait_for()
        played = [finished.episode for finished in made.wait(20)]
        for context in contexts:
            context.close()
        assert complaints == []
    assert [episode.seed for episode in played] == [5, 6]
    assert played[0].outcome is Outcome.SUCCESS
    assert played[0].team == ("human", "human")
    record = RunDirectory.open(tmp_path / "run").record()
    assert record.episodes() == played
    assert summarise(record.episodes()).families[0].cells[0].team == "human+human"
    assert record.episodes()[0].task_hash == read_task(tmp_path / "small.collab.yaml").hash
    assert main(["regrade", str(tmp_path / "run")]) == 0, "the verdict follows from the transcript, as for models"


class Listens(Agent):
    def __init__(self) -> None:
        self.name = self.model = "listens"
        self.told: list[Told] = []

    async def reply(self, request: Told) -> Reply:
        self.told.append(request)
        return Reply("Agreed.")


def test_a_person_is_told_word_for_word_what_a_model_is_told(tmp_path: Path) -> None:
    model = Listens()
    with ThreadPoolExecutor(1) as thread:  # where a browser is driven, this one has an event loop already
        thread.submit(play_episode, PARAMS, [model, "silent"], seed=5).result()
    with evening(tmp_path, partner="silent") as (made, where):
        assert list(where) == ["a"], "the agent has the other seat"
        while not made.shown("a")["asked"]:
            threading.Event().wait(0.01)
        log = [line["text"] for line in made.shown("a")["log"]]
    assert log == [model.told[0].system, model.told[0].text]


def test_a_seat_opens_with_its_own_key_only(tmp_path: Path) -> None:
    with evening(tmp_path) as (made, where):
        own, other = where["a"], made.keys["b"]
        assert json.loads(urlopen(own.replace("/a?", "/a/state?")).read())["seat"] == "a"
        for address in (own.split("?")[0], own.replace(made.keys["a"], other), own.replace("/a?", "/c?")):
            with pytest.raises(HTTPError, match="403"):
                urlopen(address)
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(own, headers={"Host": "elsewhere.example"}))


def test_what_was_not_asked_is_not_taken(tmp_path: Path) -> None:
    with evening(tmp_path) as (made, where):
        while not made.shown("a")["asked"]:
            threading.Event().wait(0.01)
        now = made.shown("a")["version"]
        for seat, body in (
            ("b", {"text": "It is not my turn.", "version": made.shown("b")["version"]}),
            ("a", {"text": "To an older question.", "version": now - 1}),
            ("a", {"text": "  ", "version": now}),
        ):
            with pytest.raises(HTTPError, match="409"):
                urlopen(where[seat].replace("?", "/say?"), data=json.dumps(body).encode())
        with pytest.raises(HTTPError, match="400"):
            urlopen(where["a"].replace("?", "/say?"), data=b"[1]")


def test_what_cannot_be_played_is_told_before_anybody_sits_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="incentive"):
        Evening(Asked("maze", "incentive:bonus"), RunDirectory.create(tmp_path / "run"))
    assert main(["serve"]) == 2
    assert "collab serve --play maze" in capsys.readouterr().err

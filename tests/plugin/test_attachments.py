"""pytest-html and Allure, the real ones: what they write has outcome, codes, story and transcript of episodes."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

YAML = "family: handshake\nparams: {numbers: 10}\nseeds: [1]\nconditions: [team]\n"
PYTHON = """
from pytest_collab import task
from tests.support.handshake import Handshake

@task(Handshake(), seeds=[1], conditions=["team"])
def test_greet(episode):
    assert episode.success

def test_plain():
    pass
"""
TEAMS = "--collab-teams=partner+partner,partner+stubborn,partner+provider_down"


@pytest.fixture
def tasks(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("PYTEST_ADDOPTS")  # which leaves out the very plugins
    (suite.path / "shake.collab.yaml").write_text(YAML)
    suite.makepyfile(test_greet=PYTHON)
    return suite


def play(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "no:cacheprovider", TEAMS, *arguments)


def rows(page: Path) -> dict[str, dict[str, Any]]:
    """pytest-html's data by test: cells of the table, and extras by name."""
    blob = re.search(r'data-jsonblob="([^"]*)"', page.read_text(encoding="utf-8"))
    assert blob is not None
    tests: dict[str, list[dict[str, Any]]] = json.loads(html.unescape(blob[1]))["tests"]
    return {
        name: {
            "cells": [re.sub("<.*?>", " ", cell).strip() for cell in each["resultsTableRow"]],
            "extras": {extra["name"]: extra for extra in each["extras"]},
        }
        for name, (*_, each) in tests.items()
    }


def text_of(extra: dict[str, Any]) -> str:
    kind, _, content = extra["content"].partition(",")
    return base64.b64decode(content).decode() if kind.endswith("base64") else unquote(content)


@pytest.mark.slow
def test_pytest_html_shows_the_outcome_its_codes_and_the_transcript(tasks):
    play(tasks, "--html=r.html", "--self-contained-html", "-n2")
    shown = rows(tasks.path / "r.html")
    for source, test in (("shake.collab.yaml", "shake"), ("test_greet.py", "test_greet")):
        good = shown[f"{source}::{test}[team-partner+partner-s1]"]
        assert good["cells"][:2] == ["Passed", "success"]
        bad = shown[f"{source}::{test}[team-partner+stubborn-s1]"]
        assert bad["cells"][:2] == ["Failed", "coordination_failure: disagreement"]
        assert "seat b said 999" in text_of(bad["extras"]["episode"])
        events = [json.loads(line) for line in text_of(bad["extras"]["transcript"]).splitlines()]
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert events[-1]["kind"] == "end"
        broken = shown[f"{source}::{test}[team-partner+provider_down-s1]"]
        assert broken["cells"][:2] == ["Error", "infrastructure_error: provider_error"]
        assert "503" in text_of(broken["extras"]["episode"])
    assert shown["test_greet.py::test_plain"]["cells"][:2] == ["Passed", ""]
    assert not shown["test_greet.py::test_plain"]["extras"]


@pytest.mark.slow
def test_evidence_under_gates_is_told_apart_in_pytest_html(tasks):
    (tasks.path / "gates.yaml").write_text("gates: [{metric: success_rate, at_least: 0.1}]\n")
    play(tasks, "--html=r.html", "--self-contained-html", "--collab-gate=gates.yaml", "shake.collab.yaml")
    shown = rows(tasks.path / "r.html")
    evidence = shown["shake.collab.yaml::shake[team-partner+stubborn-s1]"]
    assert evidence["cells"][:2] == ["Passed", "coordination_failure: disagreement"]


@pytest.mark.slow
def test_a_picture_is_shown_and_a_long_transcript_is_named_by_its_path(tasks):
    with (tasks.path / "conftest.py").open("a") as conftest:
        conftest.write(
            """
import pytest_collab.plugin.attachments as attachments
from pytest_collab.episode.family import Picture
attachments.LARGEST = 10
HandshakeFamily.draw = lambda *_: Picture("text", "<svg xmlns='http://www.w3.org/2000/svg'/>")
"""
        )
    play(tasks, "--html=r.html", "--self-contained-html", "shake.collab.yaml")
    extras = rows(tasks.path / "r.html")["shake.collab.yaml::shake[team-partner+stubborn-s1]"]["extras"]
    assert "svg" in text_of(extras["the end"])
    assert (tasks.path / extras["transcript"]["content"]).is_file()


@pytest.mark.slow
def test_allure_shows_the_outcome_its_codes_and_the_transcript(tasks):
    play(tasks, "--alluredir=allure", "-n2")
    folder = tasks.path / "allure"
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    found = {result["name"]: result for result in results}
    assert len(found) == 7
    for test in ("shake", "test_greet"):
        bad = found[f"{test}[team-partner+stubborn-s1]"]
        labels = {(label["name"], label["value"]) for label in bad["labels"]}
        assert bad["status"] == "failed"
        assert {("tag", "coordination_failure"), ("tag", "disagreement"), ("feature", "handshake")} <= labels
        assert "disagreement [expectation]" in bad["statusDetails"]["trace"]
        attached = {one["name"]: (folder / one["source"]).read_text() for one in bad["attachments"]}
        assert "seat b said 999" in attached["episode"]
        assert json.loads(attached["transcript"].splitlines()[-1])["kind"] == "end"
        told = {parameter["name"]: parameter["value"] for parameter in bad["parameters"]}
        assert told["team"] == "'partner+stubborn'"
        assert found[f"{test}[team-partner+provider_down-s1]"]["status"] == "broken"
    assert "attachments" not in found["test_plain"]


@pytest.mark.slow
def test_allure_takes_episodes_for_tests_of_their_own_wherever_the_files_lie(tasks):
    def histories(folder: Path) -> dict[str, str]:
        results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
        return {result["name"]: result["historyId"] for result in results}

    play(tasks, "--alluredir=first")
    first = histories(tasks.path / "first")
    assert len(set(first.values())) == len(first)
    elsewhere = tasks.path / "elsewhere"
    elsewhere.mkdir()
    for name in ("conftest.py", "shake.collab.yaml", "test_greet.py"):
        (tasks.path / name).rename(elsewhere / name)
    tasks.runpytest_subprocess(
        "-p", "no:cacheprovider", TEAMS, "--alluredir=second", "--rootdir=elsewhere", "elsewhere"
    )
    assert histories(tasks.path / "second") == first


@pytest.mark.slow
def test_agents_text_is_no_markup_in_the_page(tasks):
    with (tasks.path / "conftest.py").open("a") as conftest:
        conftest.write(
            """
from tests.support import handshake
from pytest_collab.episode.agent import Reply

async def reply(self, request):
    return Reply("<script>alert('999')</script>")

handshake.Player.reply = reply
"""
        )
    play(tasks, "--html=r.html", "--self-contained-html", "shake.collab.yaml")
    page = (tasks.path / "r.html").read_text()
    assert "alert" in page
    assert "<script>alert" not in page

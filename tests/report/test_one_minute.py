"""Somebody has a red CI and one minute: what the first screen and the first lines say of three runs.

Each has to say the verdict, where, by how much, who, which episode, and what to do next: a run that is worse than
last night's, one that is not, and one that says nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_collab.cli import main

pytestmark = pytest.mark.slow

TASK = "family: handshake\nparams: {numbers: 10}\nseeds: 40\nconditions: [team]\n"
GATES = """
gates:
  - {name: hands are shaken, metric: success_rate, at_least: 0.6}
  - {name: no worse than last night, metric: success_rate, not_worse_than: baseline, margin: 0.1}
"""
PLAYED = {"worse": "stubborn", "same": "partner", "void": "partner,provider_down"}

FIRST_SCREEN = """() => [...document.querySelectorAll("main h1, main p, main li, main tr")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().bottom <= innerHeight)
    .map((one) => one.innerText.replace(/\\s+/g, " ")).join("\\n")"""


def play(suite: pytest.Pytester, name: str, agents: str, *more: str) -> list[str]:
    """A session; returns its lines from its summary on."""
    options = ["--collab-pairing=self", f"--collab-run-dir={name}", "-p", "no:cacheprovider", "--tb=no", "-q"]
    result = suite.runpytest_subprocess(f"--agents={agents}", *options, *more)
    begin = next(place for place, line in enumerate(result.outlines) if " collaboration " in line)
    return result.outlines[begin:]


@pytest.fixture
def told(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The three runs, held against last night's: what each session ended with."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CI", raising=False)
    (suite.path / "shake.collab.yaml").write_text(TASK)
    (suite.path / "gates.yaml").write_text(GATES)
    play(suite, "last_night", "partner")
    against = ("--collab-gate=gates.yaml", "--collab-baseline=last_night")
    return {name: play(suite, name, agents, *against) for name, agents in PLAYED.items()}


def screen(browser: Any, run: Path) -> tuple[str, str]:
    """What is wholly to be seen before anybody scrolls, and the colour of the answer."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto((run / "report.html").as_uri())
    text, tone = page.evaluate(FIRST_SCREEN), page.locator(".answer").get_attribute("class")
    page.close()
    return text, tone.split()[-1]


def test_one_minute_is_enough(
    told: dict[str, list[str]], suite: pytest.Pytester, browser: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for lines in told.values():
        assert len(lines) <= 40
        assert max(map(len, lines)) <= 80
    seen = {name: screen(browser, suite.path / name) for name in told}

    # Worse: by how much, who, which episode, what next.
    text, tone = seen["worse"]
    first = told["worse"][1]
    assert tone == "bad"
    assert text.startswith("✘ stubborn is worse than partner: success 0 %, was 100 %, −100 points (−100 .. ")
    assert first.startswith("stubborn is worse than partner: success 0%, was 100%, -100 points (-100 .. ")
    fault = "most to answer for: stubborn, disagreement in 40 of 40 team episodes, was 0 of 40"
    assert fault in " ".join(told["worse"][:8]) or any(line.startswith(fault[:70]) for line in told["worse"][:8])
    assert "Most to answer for: stubborn, disagreement in 40 of 40 team episodes, was 0 of 40." in text
    assert "fail hands are shaken 0 % (0 .. 7), wanted ≥ 60 %, n 40" in text
    assert any(
        line.startswith("FAIL       hands are shaken            0% (0 .. 7), wanted") for line in told["worse"]
    )
    look = next(line for line in told["worse"][:9] if line.startswith("look at it: collab show worse "))
    assert "collab show worse handshake-shake-team-stubborn+stubborn-s" in text
    assert main(["show", str(suite.path / "worse"), look.split()[-1]]) == 0
    assert "handshake · shake · team · stubborn+stubborn" in capsys.readouterr().out
    assert any("handshake" in line and "was 100" in line and "▼" in line for line in text.splitlines()), "where"
    assert told["worse"][-2] == "report: worse/report.html"

    # Not worse: green, and by how much one may trust it.
    text, tone = seen["same"]
    assert tone == "good"
    assert text.startswith("✔ All gates are passed; not worse than last_night: success 100 %, was 100 %")
    assert " ".join(told["same"][1:3]).startswith("All gates are passed; not worse than last_night: success 100%")

    # Void: why, and how to go on; nobody is blamed.
    text, tone = seen["void"]
    assert tone == "open"
    nothing = "This run says nothing about the agents: 40 of 80 episodes (50.0%) were lost to infrastructure"
    assert text.startswith(nothing)
    assert " ".join(line.strip() for line in told["void"][1:3]).startswith(nothing)
    assert "40 × " in text
    assert "--collab-run-dir=void --collab-resume" in text
    assert any("--collab-run-dir=void --collab-resume" in line for line in told["void"][:8])
    assert "answer for" not in text + "".join(told["void"])

"""Why episodes were lost: told by reason, most frequent first, on every surface that sums a run up."""

from __future__ import annotations

from pathlib import Path

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.run import RunDirectory
from pytest_collab.measure.reader import read_frame
from pytest_collab.report.github import job_summary
from pytest_collab.report.html import render
from pytest_collab.report.lost import losses, lost_lines
from pytest_collab.report.reading import read_report
from tests.support.episodes import episode, write_run

REFUSED = "ProviderError: agent 'm1': HTTP 401"
SLOW = "ProviderError: agent 'm2': no answer in 60 s <b>"


def run(path: Path) -> Path:
    def lost(seed: int, why: str, attempt: int = 1):
        one = episode(seed=seed, outcome=Outcome.INFRASTRUCTURE, score=0, attempt=attempt)
        return one.model_copy(update={"error": why})

    again = [lost(8, SLOW), episode(seed=8, attempt=2)]
    return write_run(path, [lost(0, SLOW), *(lost(seed, REFUSED) for seed in range(1, 4)), *again, episode(seed=9)])


def test_reasons_are_told_most_frequent_first_without_what_was_played_again(tmp_path: Path) -> None:
    path = run(tmp_path / "run")
    found = losses(path, read_frame(path))
    assert [(loss.why, loss.episodes) for loss in found] == [(REFUSED, 3), (SLOW, 1)]
    first, *rest = lost_lines(found)
    assert first == "lost to infrastructure: 4 episodes, no evidence; --collab-resume plays again"
    assert rest == [f"     3  {REFUSED}", f"     1  {SLOW}"]


def test_the_page_leads_from_a_reason_to_an_episode_that_was_lost_for_it(tmp_path: Path) -> None:
    path = run(tmp_path / "run")
    directory = RunDirectory(path)
    text = render(read_report(directory), directory).text
    example = losses(path, read_frame(path))[0].example
    assert f'<a href="#/episode/{example}">3 × ProviderError: agent &#39;m1&#39;: HTTP 401</a>' in text.replace(
        "%2B", "+"
    )
    assert "no answer in 60 s &lt;b&gt;" in text


def test_the_job_summary_has_the_reasons_as_plain_text(tmp_path: Path) -> None:
    path = run(tmp_path / "run")
    text = job_summary(path, None, None, None, read_report(RunDirectory(path)))
    assert text.startswith("# ")
    assert "## Lost to infrastructure" in text
    assert "| 1 | ProviderError: agent 'm2': no answer in 60 s &lt;b&gt; |" in text


def test_a_run_that_lost_nothing_says_nothing(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", [episode()])
    assert lost_lines(losses(path, read_frame(path))) == []

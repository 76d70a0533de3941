"""The page as data: what is embedded, and that no text can leave its place."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.measure.judging import read_gates_file
from pytest_collab.measure.reader import read_frame
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.report.embed import chunks, compact, packed, unpacked
from pytest_collab.report.frames import Clock, chosen
from pytest_collab.report.html import payload, render, write_report
from pytest_collab.report.order import order
from pytest_collab.report.reading import read_report
from tests.report.conftest import HOSTILE, dinner_run


@given(
    st.recursive(
        st.text() | st.integers() | st.booleans() | st.none(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_text_comes_back_as_the_data_it_was(value: object) -> None:
    text = packed(compact(value))
    assert unpacked(text) == value
    assert re.fullmatch(r"[A-Za-z0-9+/=]*", text)


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 9), st.integers(10, 2000))
def test_every_episode_lies_in_one_chunk_in_order(sizes: list[int], episodes: int, size: int) -> None:
    made = list(chunks(((row, {"text": "x" * n}) for row, n in enumerate(sizes)), episodes=episodes, size=size))
    assert [row for chunk in made for row in chunk.rows] == list(range(len(sizes)))
    assert all(len(chunk.rows) <= episodes for chunk in made)
    for chunk in made:
        assert [len(item["text"]) for item in unpacked(chunk.text)] == [sizes[row] for row in chunk.rows]


@given(
    st.lists(st.integers(0, 10_000), min_size=1, unique=True).map(sorted),
    st.lists(st.integers(0, 10_000)),
    st.integers(2, 50),
)
def test_pictures_are_bounded_and_show_beginning_and_end(ends: list[int], evidence: list[int], most: int) -> None:
    found = chosen(ends, evidence, most)
    assert len(found) <= max(most, 2)
    assert found[0] == ends[0]
    assert found[-1] == ends[-1]
    assert set(found) <= set(ends)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_hostile_text_adds_no_element_and_no_handler(hostile: RunDirectory) -> None:
    page = _Tags()
    page.feed(render(read_report(hostile), hostile).text)
    runnable = [attrs for tag, attrs in page.tags if tag == "script" and "type" not in attrs]
    assert len(runnable) == 1
    assert not {tag for tag, _ in page.tags} & {"iframe", "img", "base", "object", "embed", "plaintext", "textarea"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name in ("style", "src")]
    assert all((attrs["href"] or "").startswith("#") for tag, attrs in page.tags if tag == "a")


def test_the_page_refers_to_nothing_outside(dinner: RunDirectory) -> None:
    text = render(read_report(dinner), dinner).text
    page = _Tags()
    page.feed(text)
    named = [attrs.get("href") or attrs.get("src") or "#" for _, attrs in page.tags]
    assert all(name.startswith("#") for name in named)
    assert "link" not in {tag for tag, _ in page.tags}
    policy = next(attrs["content"] for _, attrs in page.tags if "http-equiv" in attrs)
    assert "default-src 'none'" in (policy or "")
    assert "connect-src" not in (policy or "")


def test_a_full_page_says_what_it_left_out(dinner: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_collab.report.html.EMBED_LIMIT", 10)
    report = read_report(dinner)
    page = render(report, dinner)
    assert page.embedded < page.episodes
    assert f"{page.embedded} of {page.episodes} episodes can be read turn by turn" in page.text
    assert render(report, dinner, everything=True).embedded == page.episodes


def test_time_is_bounded_and_owned_up_to(dinner: RunDirectory) -> None:
    report = read_report(dinner)
    page = render(report, dinner, seconds=-1.0)
    assert page.embedded == 0
    assert f"0 of {page.episodes} episodes can be read turn by turn" in page.text
    half_spent = Clock(60.0, _began=time.process_time() - 40.0)
    assert payload(report.episodes[0], dinner, half_spent)["pictures"] == []
    assert payload(report.episodes[0], dinner, half_spent)["events"]
    assert half_spent.skipped == 2
    assert not half_spent.over()
    assert Clock(None).up() is Clock(None).over() is False


def test_what_matters_comes_first_with_a_success_beside_each_failure(dinner: RunDirectory) -> None:
    report = read_report(dinner)
    frame, outcomes = report.episodes.frame, report.episodes.outcomes
    last = frame.id[-1]
    rows = order(frame, outcomes, {last})
    assert sorted(rows) == list(range(len(frame)))
    assert frame.id[rows[0]] == last
    won = [bool(frame.success[row]) for row in rows]
    first = next(at for at in range(1, len(rows)) if not won[at])
    failed, beside = rows[first], rows[first + 1]
    assert frame.success[beside]
    assert (frame.task[beside], frame.seed[beside]) == (frame.task[failed], frame.seed[failed])
    assert frame.condition[beside] == frame.condition[failed]
    after = [at for at in range(len(rows)) if not won[at]]
    assert won[max(after) + 1 :] == [True] * (len(rows) - max(after) - 1)


def test_what_has_no_room_keeps_its_head_its_seats_and_its_failures(dinner: RunDirectory) -> None:
    report = read_report(dinner)
    page = render(report, dinner, seconds=-1.0)
    packs = re.findall(r'id="chunk-\d+">([A-Za-z0-9+/=]+)<', page.text)
    shown = [one for pack in packs for one in unpacked(pack)]
    assert {one["episode"]["id"] for one in shown} == set(report.episodes.frame.id)
    assert all(one["bare"] and one["events"] == [] for one in shown)
    failed = next(one for one in shown if one["episode"]["failures"])
    assert failed["headline"].startswith(failed["episode"]["failures"][0]["code"])
    assert failed["episode"]["usage"]["a"]["agent"]
    assert failed["episode"]["transcript"]


def test_the_first_line_says_whether_the_run_got_worse(dinner: RunDirectory, tmp_path: Path) -> None:
    good = dinner_run(tmp_path / "good", (("partner", "partner"),), seeds=12)
    bad = RunDirectory.create(tmp_path / "bad")
    for episode in good.record().episodes():
        if episode.condition == "team":
            failed = episode.model_copy(update={"outcome": Outcome.COORDINATION, "score": 0.0})
            bad.add(failed, good.transcript(episode))
        else:
            bad.add(episode, good.transcript(episode))
    worse = read_report(bad, good.path).answer
    assert worse.title.endswith("worse than good: success 50 %, was 100 %, −50 points (−69 .. −29)")
    assert worse.where == "Worse: team partner+partner −100 (0 %, was 100 %). Same: solo partner."
    assert read_report(good, good.path).answer.tone == "open", "a dozen seeds do not rule out a loss of ten points"
    unknown = read_report(dinner, tmp_path / "nowhere").answer
    assert unknown.tone == "open"
    assert "nowhere" in unknown.detail


def test_each_complaint_leads_to_an_event_that_proves_it(dinner: RunDirectory) -> None:
    report = read_report(dinner)
    episodes = {episode.id: episode for episode in report.episodes}
    blamed = {story.agent: story for story in report.agents}
    assert blamed["stubborn"].complaints
    for story in report.agents:
        for complaint in story.complaints:
            for example in complaint.examples:
                proofs = [f for f in episodes[example.episode].failures if f.code == complaint.code]
                assert any(example.event in failure.events for failure in proofs)


def test_a_lost_transcript_costs_its_own_page_only(dinner: RunDirectory, tmp_path: Path) -> None:
    run = dinner_run(tmp_path / "run", (("partner", "stubborn"),), seeds=1)
    first = run.record().plays[0]
    (run.path / first.transcript).unlink()
    assert write_report(run).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_corpus_is_shown_word_for_word(hostile: RunDirectory) -> None:
    stored = [episode.team[0] for episode in read_report(hostile).episodes]
    assert stored == list(HOSTILE)


GATES = """
gates:
  - {name: dinners are eaten, metric: success_rate, where: {condition: team, team: stubborn+stubborn}, at_least: 0.5}
  - {name: partners eat, metric: success_rate, where: {condition: team, team: partner+partner}, at_least: 0.01}
  - {name: leads lead, metric: success_rate, where: {condition: lead}, at_least: 0.5}
"""


def test_gates_stand_with_the_worst_first_and_lead_to_their_episodes(tmp_path: Path) -> None:
    run = dinner_run(tmp_path / "run", (("partner", "partner"), ("stubborn", "stubborn")))
    (tmp_path / "gates.yaml").write_text(GATES)
    run.write("gates.json", judge_run(read_gates_file(tmp_path / "gates.yaml"), read_frame(run.path)))
    run.write("run.json", RunInfo(notes=["WARNING: nothing is isolated", "collab sandbox: process"]))
    report = read_report(run)
    assert report.answer.tone == "bad"
    text = re.sub(r"\s+", " ", render(report, run).text)
    order = [text.index(f">{name}<") for name in ("leads lead", "dinners are eaten", "partners eat")]
    assert order == sorted(order)
    assert "cannot be judged: " in text
    assert 'href="#/episodes?condition=team&amp;team=stubborn%2Bstubborn">dinners are eaten' in text
    assert "gates: ERROR" not in text
    assert "1 of 3 cannot be judged. Lost to infrastructure: 0 of 8 episodes;" in text.replace("ERROR. ", "")
    assert '<p class="note">WARNING: nothing is isolated</p>' in text

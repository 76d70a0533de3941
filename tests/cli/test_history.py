"""`collab history`: a line a gate and family over nights, from run directories or from what was kept of them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory, RunInfo
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.history import read_history
from pytest_collab.measure.judging import summarise_run
from pytest_collab.measure.reader import read_frame
from pytest_collab.measure.verdicts import judge_run
from tests.support.episodes import episode, write_run

GATES = GateFile.model_validate({"gates": [{"name": "half", "metric": "success_rate", "at_least": 0.5}]})


def night(folder: Path, day: int, good: int, *, model: str = "m-1", lost: int = 0, version: str = "1.0") -> Path:
    """A night of twenty team episodes of one family, `good` of them won, judged."""
    episodes: list[Episode] = [episode(seed=seed, ok=seed < good) for seed in range(20)]
    episodes += [episode(seed=50 + seed, outcome=Outcome.INFRASTRUCTURE, score=0.0) for seed in range(lost)]
    path = write_run(folder / f"night-{day}", episodes)
    when = f"2026-01-{day:02}T03:00:00+00:00"
    info = RunInfo(
        started=when,
        finished=when,
        exit_status=0,
        agents=[{"name": "nova", "model": model}],
        versions={"pytest-collab": version},
    )
    run = RunDirectory(path)
    run.write("run.json", info)
    frame = read_frame(path)
    run.write("summary.json", summarise_run(path, frame))
    run.write("gates.json", judge_run(GATES, frame))
    return path


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four nights: good, with a new model, void, worse under a new version; and one that is torn."""
    folder = tmp_path_factory.mktemp("nights")
    night(folder, 1, 19)
    night(folder, 2, 18, model="m-2")
    night(folder, 3, 20, model="m-2", lost=9)
    night(folder, 4, 2, model="m-2", version="1.1")
    torn = folder / "night-5"
    torn.mkdir()
    (torn / "summary.json").write_text('{"episodes": ')
    return folder


def test_every_night_is_there_or_named(nights: Path) -> None:
    found = read_history([nights])
    assert [one.name for one in found.nights] == ["night-1", "night-2", "night-3", "night-4"]
    assert [one.counts for one in found.nights] == [True, True, False, True]
    assert found.nights[2].why.startswith("void: 9 of 29 episodes")
    assert [one.name for one in found.unread] == ["night-5"]
    gate, family = found.lines
    assert (gate.kind, gate.name, gate.wanted) == ("gate", "half", "at_least 0.5")
    assert [point and (point.value, point.verdict) for point in gate.points] == [
        (0.95, "pass"),
        (0.9, "pass"),
        None,
        (0.1, "fail"),
    ]
    assert [point and round(point.value or 0, 2) for point in family.points] == [0.95, 0.9, None, 0.1]
    last = family.points[-1]
    assert last is not None
    assert last.low is not None
    assert last.high is not None
    assert last.low < 0.1 < last.high


def test_what_changed_is_marked_on_its_night(nights: Path) -> None:
    changes = [one.changes for one in read_history([nights]).nights]
    assert changes == [
        (),
        ("agent nova: model m-1 -> m-2",),
        (),
        ("pytest-collab version 1.0 -> 1.1",),
    ]


def test_the_summaries_suffice(nights: Path, tmp_path: Path) -> None:
    for path in sorted(nights.iterdir()):
        (tmp_path / path.name).mkdir()
        for name in ("summary.json", "gates.json", "run.json"):
            if (path / name).exists():
                shutil.copy(path / name, tmp_path / path.name)
    assert read_history([tmp_path]) == read_history([nights])


def test_the_terminal_has_a_line_each_that_fits(nights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(nights)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "half                        ██x▁  10% (2 .. 28) fail, at_least 0.5" in lines
    assert any(re.match(r"maze +██x▁  10% \(\d+ \.\. \d+\)$", line) for line in lines)
    assert "2026-01-02 night-2  agent nova: model m-1 -> m-2" in lines
    assert any(line.startswith("not read: night-5: summary.json cannot be read") for line in lines)
    assert main(["history", str(nights), "--tables", "--last", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 nights, 2026-01-03 to 2026-01-04")
    assert any(line.strip().startswith("2026-01-04 night-4  10%") for line in lines)


def test_the_page_is_whole_in_itself_and_says_in_words_what_it_draws(nights: Path, tmp_path: Path) -> None:
    page = tmp_path / "history.html"
    assert main(["history", str(nights), "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert text.count('<circle class="point pass"') == 2
    assert text.count('<circle class="point fail"') == 1
    assert text.count('class="nothing"') == 2, "the void night, on both charts"
    assert text.count('<line class="change"') == 4, "two nights were not as before, on both charts"
    assert "night-5</strong> could not be read" in text
    assert "<td>10% (2 .. 28)</td>" in text


def test_names_that_lead_nowhere_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(tmp_path / "nowhere")]) == 2
    assert "is no directory" in capsys.readouterr().err
    assert main(["history", str(tmp_path)]) == 2
    assert "no run could be read" in capsys.readouterr().err

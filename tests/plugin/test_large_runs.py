"""Runs of very many episodes: transcripts in folders, which everything that reads runs follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_collab.cli import main, merge
from pytest_collab.episode.run import RunDirectory
from pytest_collab.plugin import stage
from pytest_collab.report.html import render
from pytest_collab.report.reading import read_report

TASK = "family: handshake\nparams: {numbers: 10}\nseeds: 4\nconditions: [team]\n"


def test_everything_that_reads_a_run_finds_transcripts_in_folders(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (suite.path / "shake.collab.yaml").write_text(TASK)
    options = ("--agents=stubborn", "--collab-run-dir=out", "--collab-resume")
    with monkeypatch.context() as small:
        small.setattr(stage, "FLAT", 3)
        result = suite.runpytest_inprocess(*options)
    run = RunDirectory(suite.path / "out")
    (one, *others) = run.record().episodes()
    assert len(list(run.path.glob("transcripts/*/*.jsonl"))) == 4
    assert not list(run.path.glob("transcripts/*.jsonl"))
    result.stdout.fnmatch_lines([f"transcript: out/{one.transcript}", "page: out/report.html#/episode/handshake-*"])

    capsys.readouterr()
    assert main(["show", "out", one.id]) == 0
    assert "999" in capsys.readouterr().out, "the dialogue"
    assert main(["export", "out", "--format=csv", "--out=out.csv"]) == 0
    assert one.transcript in Path("out.csv").read_text()
    page = render(read_report(run), run)
    assert (page.episodes, page.embedded) == (4, 4)

    with monkeypatch.context() as small:
        small.setattr(merge, "FLAT", 3)
        assert main(["merge", "out", "--out=spread"]) == 0
    assert main(["merge", "out", "--out=flat"]) == 0
    for name, pattern in (("spread", "transcripts/*/*.jsonl"), ("flat", "transcripts/*.jsonl")):
        merged = RunDirectory(Path(name))
        assert {merged.path / play.transcript for play in merged.record().plays} == set(merged.path.glob(pattern))
        assert main(["regrade", name]) == 0

    again = suite.runpytest_inprocess(*options)
    assert again.parseoutcomes() == {"coordination": 4}
    assert len(run.record().plays) == 1 + len(others), "told again, not played again"

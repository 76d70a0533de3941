"""`collab replicate`: a study played whole, and its table made again from the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_collab.cli import main
from pytest_collab.episode.record import Episode
from pytest_collab.errors import UsageError
from pytest_collab.replications.study import studies
from pytest_collab.replications.table import Cell, Replication, Section, replication
from tests.support.episodes import episode, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DPBench at quick scale, one seed of each task, `silent` under test beside the cast."""
    folder = tmp_path_factory.mktemp("replicate")
    options = [f"--run-dir={folder / 'run'}", "--agents=silent", "--pytest=--collab-seeds=1"]
    assert main(["replicate", "dpbench", "--format=json", f"--out={folder / 'table.json'}", *options]) == 0
    return folder / "run"


def test_a_study_is_played_and_its_table_comes_again_from_the_run(run: Path, capsys) -> None:
    printed = Replication.model_validate_json((run.parent / "table.json").read_text())
    assert printed == replication(run)
    first = printed.sections[0]
    assert [row.kind for row in first.rows] == ["published"] * 6 + ["cast", "cast", "agents"]
    assert [row.who for row in first.rows][-3:] == ["partner", "random", "silent"]
    deadlock = first.columns.index("deadlock")
    by_name = {row.who: row.cells[deadlock] for row in first.rows if row.kind == "published"}
    assert by_name["gpt-5.2"] is not None
    assert (by_name["gpt-5.2"].value, by_name["gpt-5.2"].n) == (0.25, 20)
    assert main(["replicate", f"--from={run}", "--format=markdown"]) == 0
    out = capsys.readouterr().out
    assert "| silent | agents under test | 1 | 0.00 |" in out
    assert "Caveats of the study's own figures:" in out
    assert main(["replicate", "--from", str(run), "--format=html"]) == 0
    assert '<tr class="agents"><th scope="row">silent</th>' in capsys.readouterr().out


def test_a_run_of_a_study_is_finished_and_no_other_is_taken_for_it(run: Path, capfd) -> None:
    again = ["--agents=silent", f"--run-dir={run}", "--resume", "--pytest=--collab-seeds=1"]
    before = (run / "episodes.jsonl").read_text()
    assert main(["replicate", "dpbench", *again]) == 0
    assert (run / "episodes.jsonl").read_text() == before
    capfd.readouterr()
    assert main(["replicate", "dpbench", "--scale=paper", *again]) == 2
    assert "is dpbench at quick scale, not dpbench at paper scale" in capfd.readouterr().err


def test_the_plan_says_what_it_would_come_to_and_plays_nothing(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["replicate", "dpbench", "--plan", "--agents=openai/gpt-5.2"]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "openai/gpt-5.2" in line)
    assert row.split()[3:5] == ["25", "3,300"]
    assert not list(tmp_path.iterdir())
    assert main(["replicate", "dpbench", "--plan", "--agents=nosuch"]) == 2
    assert "unknown agent 'nosuch'" in capsys.readouterr().err
    assert main(["replicate", "dpbench", "--plan", "--agents=a+b"]) == 2
    assert "--agents=a+b: write names with commas between" in capsys.readouterr().err


def test_all_studies_are_listed(capsys) -> None:
    assert main(["replicate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(studies())


def test_any_run_that_holds_a_studys_tasks_has_its_table(tmp_path: Path) -> None:
    played = [
        episode("team", "claude", seed, task="sim_n5_nocomm", family="philosophers", metrics={"deadlock": seed % 2})
        for seed in range(4)
    ]
    run = write_run(tmp_path / "run", played)
    with pytest.raises(UsageError, match="does not say which study it is of"):
        replication(run)
    table = replication(run, studies()["dpbench"])
    row = next(row for row in table.sections[0].rows if row.kind == "agents")
    cell = row.cells[0]
    assert cell is not None
    assert (cell.value, cell.n) == (0.5, 4)
    assert cell.low == pytest.approx(0.150, abs=0.001)  # Wilson
    assert row.cells[1:] == (None,) * (len(row.cells) - 1)
    assert "seq_n5_comm" in table.absent


def test_a_column_can_be_a_change_or_a_loss_paired_by_seed(tmp_path: Path) -> None:
    def market(condition: str, tasks: list[float]) -> list[Episode]:
        return [
            episode(condition, "a", seed, task="main", family="market", metrics={"tasks": done})
            for seed, done in enumerate(tasks)
        ]

    table = replication(
        write_run(tmp_path / "market", [*market("team", [10, 20, 30]), *market("incentive:1000", [20, 40])]),
        studies()["zero-cost"],
    )
    found = {name: cell for section in table.sections for name, cell in own_cells(section)}
    assert found["incentive"] is not None
    assert (found["incentive"].value, found["incentive"].n) == (100.0, 2)  # seeds 0 and 1, both doubled
    assert found["policy"] is None
    maze = [
        *(episode("solo", "a", seed, task="gap") for seed in range(6)),
        *(episode("team", "a", seed, task="gap", ok=seed < 3) for seed in range(6)),
    ]
    gap = dict(own_cells(replication(write_run(tmp_path / "maze", maze), studies()["collaboration-gap"]).sections[0]))
    assert gap["collaboration gap"] is not None
    assert (gap["solo"].value, gap["collaboration gap"].value, gap["collaboration gap"].n) == (1.0, 0.5, 6)


def test_cooperbench_has_its_retention_and_its_curve(tmp_path: Path) -> None:
    played = []
    for seed in range(4):
        for agent, alone in (("a", seed < 3), ("b", seed < 1)):
            played.append(episode("solo", agent, seed, task="sift", family="coding", ok=alone))
            played.append(episode("team", agent, seed, task="sift", family="coding", ok=alone and seed == 0))
    first, curve, _ = replication(write_run(tmp_path / "run", played), studies()["cooperbench"]).sections
    cells = dict(own_cells(first))
    assert (cells["solo"].value, cells["coop"].value) == (75.0, 25.0)
    assert cells["retention"].value == pytest.approx(0.25 / 0.7)  # buckets at 0.05, 0.55, 0.95
    assert curve.columns == ("0.0-0.1", "0.5-0.6", "0.9-1.0")
    assert [[cell and cell.value for cell in row.cells] for row in curve.rows if row.who.startswith("a,")] == [
        [100.0, 100.0, 0.0],
        [100.0, 0.0, 0.0],
    ]


def own_cells(section: Section) -> list[tuple[str, Cell | None]]:
    """The cells of the first row of ours, by column."""
    rows = [row for row in section.rows if row.kind != "published"]
    return list(zip(section.columns, rows[0].cells, strict=True)) if rows else []


def test_the_json_is_what_its_schema_says(run: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/replication.json").read_text())
    jsonschema.validate(json.loads((run.parent / "table.json").read_text()), schema)

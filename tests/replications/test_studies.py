"""Every study: its file, its figures, its tasks at both scales."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_collab.errors import UsageError
from pytest_collab.families.taskfile import read_task
from pytest_collab.replications.figures import Block, published
from pytest_collab.replications.play import record_of, sessions, shipped
from pytest_collab.replications.study import SCALES, Study, studies, study_called

STUDIES = sorted(studies())


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("scale", SCALES)
def test_the_tasks_of_a_study_are_tasks_and_its_columns_are_played(name: str, scale: str, tmp_path: Path) -> None:
    study = studies()[name]
    record = record_of(study, scale, ["silent"])
    played = {task.name: set(task.conditions) for task in study.tasks if scale in task.at}
    written = [path for session in sessions(study, record, tmp_path) for path in session.files]
    assert written
    for path in written:
        task = read_task(path)
        assert task.name in played
    for table in study.shown(scale):
        for column in table.columns:
            for task in set(table.of(column)) & set(played):
                assert column.metric is None or (column.condition or table.condition) in played[task]


@pytest.mark.parametrize("name", STUDIES)
def test_every_printed_figure_has_a_source_and_a_column_that_prints_it(name: str) -> None:
    study = studies()[name]
    shown: dict[str, set[str]] = {}
    for table in study.tables:
        blocks = list(study.blocks(table))
        wanted = {column.published for column in table.columns if column.published}
        assert not blocks or wanted <= {column for block in blocks for column in block.columns}
        for block in table.published:
            shown.setdefault(block, set()).update(wanted)
    for block, figures in published().get(name, {}).items():
        assert re.search(r"arXiv|github\.com", figures.source)
        assert set(figures.columns) == shown[block] & set(figures.columns), f"no table prints all of {block}"


@pytest.mark.parametrize(("name", "prompts"), [("caid", "as_in_caid"), ("cooperbench", "as_published")])
def test_a_shipped_pool_is_played_with_what_the_study_tells(name: str, prompts: str, tmp_path: Path) -> None:
    study = studies()[name]
    quick, paper = (
        {path.name: read_task(path) for session in sessions(study, record_of(study, scale, ()), tmp_path / scale)
         for path in session.files}
        for scale in SCALES
    )  # fmt: skip
    task = quick["sift.collab.yaml"]
    model = read_task(shipped("coding/sift/sift.collab.yaml"))
    assert task.params == model.params.model_copy(update={"prompts": prompts})
    assert (len(task.seed_list()), len(paper["sift.collab.yaml"].seed_list())) == (2, len(model.seed_list()))
    task.params.check()  # its features and tests are found from where it lies


def test_every_study_says_what_it_cannot_play_and_what_is_amiss_with_the_original() -> None:
    for study in studies().values():
        assert study.not_played, study.name
        assert study.caveats, study.name


def test_figures_that_do_not_fit_their_columns_are_refused() -> None:
    with pytest.raises(ValidationError, match="row a has 1 figures for 2 columns"):
        Block(source="arXiv 2602.13255, Table 1", columns=("x", "y"), rows={"a": (1.0,)})
    with pytest.raises(ValidationError, match="at least 10 characters"):
        Block(source="", columns=("x",), rows={"a": (1.0,)})
    with pytest.raises(ValidationError, match="n of rows that there are not: b"):
        Block(source="arXiv 2602.13255, Table 1", columns=("x",), rows={"a": (1.0,)}, n={"b": 3})


def test_a_study_whose_table_names_what_it_does_not_play_is_refused() -> None:
    said = studies()["dpbench"].model_dump()
    said["tables"][0]["condition"] = "mute"
    with pytest.raises(ValidationError, match="plays no mute"):
        Study.model_validate(said)
    with pytest.raises(UsageError, match=r"did you mean 'dpbench'\? studies are"):
        study_called("dpbnch")


def test_a_player_of_the_cast_that_is_under_test_is_no_cast() -> None:
    record = record_of(studies()["dpbench"], "quick", ["random", "silent"])
    assert (record.cast, record.agents) == (("partner",), ("random", "silent"))

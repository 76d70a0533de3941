"""docs/ci.md, the example workflows and the JSON Schemas say what is so."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pytest_collab.cli.schema import schemas
from pytest_collab.measure.bulk import summarise_frame
from pytest_collab.measure.gate import GateFile
from pytest_collab.measure.reader import frame_of
from pytest_collab.measure.verdicts import judge_run
from pytest_collab.plugin.options import _OPTIONS
from tests.support.episodes import episode

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
DOC = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def block(marker: str) -> str:
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```", DOC, re.DOTALL)
    assert found is not None, marker
    return found[1]


@pytest.mark.parametrize(
    ("schema", "name"), [("vendor.github-workflows", "github-workflow.yml"), ("vendor.gitlab-ci", "gitlab-ci.yml")]
)
def test_the_example_workflows_are_valid(schema: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["github-workflow.yml", "gitlab-ci.yml"])
def test_the_example_workflows_use_options_that_exist(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    used = set(re.findall(r"--(?:collab-[a-z-]+|agents)", text))
    assert {"--collab-shard", "--collab-gate", "--collab-run-dir"} <= used <= {option.flag for option in _OPTIONS}


def github_commands() -> tuple[str, str, str]:
    """How the example plays a shard, merges, and judges."""
    jobs = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text(encoding="utf-8"))["jobs"]
    steps = {
        step["name"]: step["run"]
        for job in jobs.values()
        for step in job["steps"]
        if "run" in step and "name" in step
    }
    return steps["play"], steps["merge the shards"], steps["judge"]


@pytest.mark.slow
def test_the_commands_of_the_example_workflow_play_merge_and_judge(suite: pytest.Pytester) -> None:
    play, merge, judge = github_commands()
    (suite.path / "tasks").mkdir()
    (suite.path / "tasks" / "shake.collab.yaml").write_text(
        "family: handshake\nparams: {}\nseeds: 16\nconditions: [team]\n"
    )
    (suite.path / "gates.yaml").write_text(
        "gates:\n  - {name: fine, metric: success_rate, at_least: 0.5}\n"
        "  - {name: no worse, metric: success_rate, not_worse_than: baseline, margin: 0.4}\n"
    )
    bin_ = f"{sys.executable} -m"

    def sh(command: str) -> subprocess.CompletedProcess[str]:
        command = command.replace("pytest ", f"{bin_} pytest ", 1).replace("collab ", f"{bin_} pytest_collab.cli ", 1)
        return subprocess.run(["bash", "-ec", command], cwd=suite.path, capture_output=True, text=True)

    play = play.replace("claude,gpt", "partner").replace("-n 2", "-p no:cacheprovider").replace("$RECORDINGS", "")
    for shard in ("1", "2", "3", "4"):
        done = sh(play.replace("${{ matrix.shard }}", shard))
        assert done.returncode == 0, done.stdout + done.stderr
    assert sh(merge).returncode == 0
    sh("cp -r run baseline")
    done = sh(judge)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 0 failed" in done.stdout
    assert 'tests="2" failures="0"' in (suite.path / "gates.xml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("marker", "status"), [("run: pass", 0), ("run: fail", 1)])
def test_the_first_steps_of_the_docs_end_as_they_say(suite: pytest.Pytester, marker: str, status: int) -> None:
    for name in ("tasks/talk.collab.yaml", "gates.yaml"):
        path = suite.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block(f"file: {name}"))
    command = block(marker).removeprefix("$ pytest ").split()
    result = suite.runpytest_subprocess(*command, "--tb=no")
    assert result.ret == status
    result.stdout.fnmatch_lines([f"gates: {'PASS' if status == 0 else 'FAIL'}*"])


def test_the_power_tables_of_the_docs_are_what_the_code_computes() -> None:
    made = runpy.run_path(str(ROOT / "benchmarks" / "gate_error_rates.py"))
    for name in ("power", "power_difference"):
        table = made[name](None, 0)
        for doc in (DOC, (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")):
            assert f"<!-- {name} -->\n\n{table}\n\n<!-- /{name} -->" in doc


def test_no_gate_misses_more_often_than_it_may_in_the_tables_of_the_docs() -> None:
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    misses = re.findall(r"→ ([\d.]+) %", text.partition("<!-- bounds -->")[2].partition("<!-- /bounds -->")[0])
    assert len(misses) > 50
    assert max(map(float, misses)) <= 5.0 + 3 * 0.22  # the standard error of 5 % in 10,000 runs, in points


def test_the_schemas_in_the_docs_are_up_to_date() -> None:
    for name, schema in schemas().items():
        written = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
        written.pop("$schema")
        assert written == schema, f"run: collab schema --write docs/schemas ({name} is not up to date)"
    assert {path.stem for path in (ROOT / "docs" / "schemas").iterdir()} == set(schemas())


def test_what_is_written_keeps_to_its_schema() -> None:
    known = schemas()
    episodes = [episode(seed=seed) for seed in range(9)]
    frame = frame_of(episodes)
    gates: dict[str, Any] = {
        "gates": [{"metric": "success_rate", "at_least": 0.5}, {"metric": "turns", "at_most": 9}]
    }
    report = judge_run(GateFile.model_validate(gates), frame)
    for name, data in (
        ("episode", json.loads(episodes[0].json_line())),
        ("summary", json.loads(summarise_frame(frame).model_dump_json())),
        ("gates-verdict", json.loads(report.model_dump_json())),
        ("gates-file", gates),
    ):
        jsonschema.validate(data, known[name])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"gates": [{"metric": "score", "at_leest": 1}]}, known["gates-file"])


def test_the_shipped_gates_file_keeps_to_its_schema() -> None:
    data = yaml.safe_load((ROOT / "fixtures" / "gates" / "release.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(data, schemas()["gates-file"])

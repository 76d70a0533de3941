"""A run leaves in CooperBench's layout, and CooperBench reads it as its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.cli import main
from pytest_collab.episode.outcome import Outcome
from pytest_collab.episode.record import Episode
from pytest_collab.episode.run import RunDirectory
from pytest_collab.episode.transcript import Event, Transcript
from pytest_collab.families.coding.cooperbench.results import pair_of, write_run
from pytest_collab.families.coding.repository.git import Store
from pytest_collab.families.coding.repository.seed import Seed
from pytest_collab.families.coding.repository.work import collect_work
from pytest_collab.families.coding.workspace import changes
from tests.coding.cooper import FEATURES, Fake, build

CHECKOUT = os.environ.get("COLLAB_COOPERBENCH", "")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the three pairs of a small dataset: together, alone, and one after the other."""
    root = tmp_path_factory.mktemp("cooper")
    fake: Fake = build(root)
    words = [f"--collab-cooperbench={fake.checkout}", f"--collab-cooperbench-repos={fake.mirrors}", "cooperbench"]
    words += ["--agents=silent", "--collab-conditions=solo,team,sequential", "--collab-run-dir=run"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    environment = {**os.environ, "COLLAB_CACHE": str(root / "cache")}
    subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, timeout=500)
    return root / "run"


@pytest.fixture(scope="module")
def exported(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "logs"
    assert main(["export", str(played), "--format", "cooperbench", "--out", str(out)]) == 0
    return out


def told(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / name).read_text())


pytestmark = pytest.mark.slow


def test_pairs_lie_where_cooperbench_looks_for_them(exported: Path) -> None:
    found = sorted(str(path.parent.relative_to(exported)) for path in exported.rglob("result.json"))
    pairs = ("f1_f2", "f1_f3", "f2_f3")
    assert found == [
        *(f"run-solo-silent/solo/tiny_calc_task/7/{pair}" for pair in pairs),
        *(f"run-team-silent+silent/coop/tiny_calc_task/7/{pair}" for pair in pairs),
    ]


def test_a_clean_merge_that_passes_is_told_as_one(exported: Path) -> None:
    folder = exported / "run-team-silent+silent/coop/tiny_calc_task/7/f1_f3"
    verdict = told(folder, "eval.json")
    assert verdict["apply_status"] == {"agent1": "applied", "agent2": "applied"}
    assert (verdict["merge"]["status"], verdict["merge"]["strategy"]) == ("clean", "naive")
    assert "+def double(a):" in verdict["merge"]["diff"]
    assert "+def loud(who):" in verdict["merge"]["diff"]
    assert (verdict["both_passed"], verdict["error"]) == (True, None)
    keys = {"feature_id", "passed", "exit_code", "tests_passed", "tests_failed", "test_output"}
    assert verdict["feature1"].keys() == verdict["feature2"].keys() == keys
    assert [verdict[f"feature{n}"]["feature_id"] for n in (1, 2)] == [1, 3]
    assert (verdict["feature2"]["tests_passed"], verdict["feature2"]["exit_code"]) == (1, 0)
    result = told(folder, "result.json")
    assert [result["agents"][f"agent{n}"]["feature_id"] for n in (1, 2)] == [1, 3]
    assert result["agents"]["agent1"]["status"] == "Submitted"
    assert result["total_steps"] == sum(agent["steps"] for agent in result["agents"].values()) > 0
    assert told(folder.parents[3], "eval_summary.json")["total_runs"] == 3


def test_a_conflict_is_told_although_keeping_both_sides_helps(exported: Path) -> None:
    verdict = told(exported / "run-team-silent+silent/coop/tiny_calc_task/7/f1_f2", "eval.json")
    assert (verdict["merge"]["status"], verdict["merge"]["strategy"]) == ("conflicts", "union")
    assert [verdict[f"feature{n}"]["feature_id"] for n in (1, 2)] == [1, 2]


def test_patches_apply_to_the_base(exported: Path, tmp_path: Path) -> None:
    folder = exported / "run-team-silent+silent/coop/tiny_calc_task/7/f1_f3"
    tree = tmp_path / "tree"
    tree.mkdir()
    for path, text, _, _, _ in FEATURES.values():
        (tree / path).write_text(text)
    for name in ("agent1.patch", "agent3.patch"):
        subprocess.run(["git", "apply", folder / name], cwd=tree, check=True)
    assert "def double" in (tree / "calc.py").read_text()
    assert "def loud" in (tree / "words.py").read_text()


def test_one_agent_alone_is_told_as_solo(exported: Path) -> None:
    folder = exported / "run-solo-silent/solo/tiny_calc_task/7/f1_f3"
    verdict, result = told(folder, "eval.json"), told(folder, "result.json")
    assert (verdict["setting"], verdict["merge"]) == ("solo", None)
    assert verdict["feature1"].keys() == {"passed", "test_output"}
    assert result["agent"]["patch_lines"] == len((folder / "solo.patch").read_text().splitlines())
    assert "agents" not in result


def test_what_the_layout_has_no_place_for_is_said(
    played: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", str(played), "--format", "cooperbench", "--out", str(tmp_path / "logs")])
    assert "left out: 3 episodes: condition sequential merges no branches" in capsys.readouterr().out


def test_an_episode_that_the_infrastructure_lost_is_not_evaluated(played: Path, tmp_path: Path) -> None:
    directory = RunDirectory.open(played)
    episode = next(one for one in directory.record().episodes() if one.condition == "team")
    lost = episode.model_copy(update={"outcome": Outcome.INFRASTRUCTURE, "error": "the engine died"})
    write_run([lost], directory.transcript, "run", "", tmp_path)
    (folder,) = (path.parent for path in tmp_path.rglob("result.json"))
    assert {agent["status"] for agent in told(folder, "result.json")["agents"].values()} == {"Error"}
    assert not (folder / "eval.json").exists()


def test_a_patch_with_foreign_bytes_is_kept_whole(seed: Seed, tmp_path: Path, agent: Path) -> None:
    store = Store.create(tmp_path / "store.git", seed.path, seed.commit)
    (agent / "latin.txt").write_bytes(b"caf\xe9 \x1b[31m\r\n")
    work = collect_work(agent, store)
    data, _ = changes.told(store, work)
    assert not data["whole"]
    events = [
        Event(
            0,
            0.0,
            None,
            "start",
            {"params": {"features": [{"id": "f1", "tests": "/x_task/task1/feature1/tests.patch"}]}},
        ),
        Event(1, 0.0, None, "state", {"features": {"a": ["f1"]}}),
        Event(2, 0.0, "a", "grade", {"what": "work", **data}),
    ]
    episode = Episode(
        id="e",
        family="coding",
        task="x1",
        condition="team",
        team=("silent",),
        seed=0,
        outcome="competence_failure",
        score=0,
    )
    pair = pair_of(episode, Transcript(events))
    assert not isinstance(pair, str)
    patch = pair.agents[0].patch
    assert patch is not None
    assert store.apply(seed.tree, patch) == work.tree


def test_a_run_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    RunDirectory.create(tmp_path / "run")
    assert main(["export", str(tmp_path / "run"), "--format", "cooperbench", "--out", str(tmp_path / "out")]) == 2
    assert "no episode of CooperBench's; play some with --collab-cooperbench=DIR" in capsys.readouterr().err


READER = """
import json, sys, types
for name in ("", ".eval", ".runner"):  # without what their __init__ imports: models' and clouds' clients
    package = sys.modules["cooperbench" + name] = types.ModuleType("cooperbench" + name)
    package.__path__ = [sys.argv[3] + "/cooperbench" + name.replace(".", "/")]
sys.modules["modal"] = types.ModuleType("modal")
sys.modules["modal"].__getattr__ = lambda name: object
from cooperbench.eval.evaluate import _evaluate_single
from cooperbench.eval.runs import discover_runs
runs = discover_runs(run_name=sys.argv[2], logs_dir=sys.argv[1])
names = ("setting", "repo", "task_id", "features")
print(json.dumps([[*(run[name] for name in names), _evaluate_single(run)] for run in runs]))
"""


@pytest.mark.skipif(
    not CHECKOUT,
    reason="set COLLAB_COOPERBENCH to a checkout (git clone https://github.com/cooperbench/CooperBench)",
)
@pytest.mark.parametrize(
    ("run", "setting", "passed"), [("run-team-silent+silent", "coop", True), ("run-solo-silent", "solo", False)]
)
def test_cooperbenchs_own_evaluator_finds_and_reads_it(exported: Path, run: str, setting: str, passed: bool) -> None:
    missing = [name for name in ("rich",) if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"CooperBench's code needs {', '.join(missing)}: pip install rich")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(exported), run, str(Path(CHECKOUT, "src"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one[:4] for one in found] == [[setting, "tiny_calc_task", 7, pair] for pair in ([1, 2], [1, 3], [2, 3])]
    assert all(one[4]["skipped"] for one in found)  # evaluated already, it says
    assert [one[4]["both_passed"] for one in found[1:]] == [passed, passed]  # `silent` alone builds one feature

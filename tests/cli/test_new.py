"""`collab new`: what it writes works at once, and it never writes over anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_collab import families
from pytest_collab.cli import main
from pytest_collab.cli.new import task_file

ROOT = Path(__file__).parents[2]


def required(family: str) -> bool:
    """Whether a param has no default: nobody but the user knows which pool is meant."""
    return any(field.is_required() for field in families.get(family).params_type.model_fields.values())


def play(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "no:cacheprovider", "-q", *arguments)


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return pytester


@pytest.mark.slow
def test_a_new_family_conforms_at_once_and_its_task_plays(folder):
    assert main(["new", "family", "two_keys"]) == 0
    played = play(folder, "test_two_keys.py", "two_keys.collab.yaml", "--agents=partner", "--collab-seeds=1")
    assert played.parseoutcomes() == {"passed": 4 + 3, "coordination": 1}  # nobody can do it mute


@pytest.mark.slow
def test_a_new_agent_conforms_at_once_and_can_be_named(folder):
    assert main(["new", "agent", "parrot"]) == 0
    main(["new", "family", "two_keys", "--dir", "games"])
    options = ["--collab-seeds=1", "--collab-conditions=team"]
    played = play(folder, "test_parrot.py", "games/two_keys.collab.yaml", "--agents=parrot", *options)
    assert played.parseoutcomes() == {"passed": 1, "coordination": 1}
    played.stdout.fnmatch_lines(["*parrot+parrot*"])


def test_what_is_written_is_clean(folder):
    main(["new", "family", "two_keys"])
    main(["new", "agent", "parrot", "--dir", "agent"])
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=E,F,W,B,UP", "--line-length=118"],
        capture_output=True,
        text=True,
        cwd=folder.path,
    )
    if "No module named ruff" in checked.stderr:
        pytest.skip("ruff is not installed: pip install 'pytest-collab[lint]'")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_a_new_task_is_collected_and_won_by_partners(folder):
    assert main(["new", "task", "warm_up", "--dir", "tasks"]) == 0
    assert play(folder, "tasks", "--agents=partner").parseoutcomes() == {"passed": 6}


@pytest.mark.parametrize("family", [name for name in families.names() if not required(name)])
def test_a_task_of_any_family_names_all_its_params(family):
    task = yaml.safe_load(task_file(family))
    made = families.get(family).params_type(**task["params"])
    assert made == families.get(family).params_type()


def test_a_task_that_needs_more_than_defaults_is_refused(capsys):
    assert main(["new", "task", "mine", "--family", "coding"]) == 2
    assert "base" in capsys.readouterr().err
    assert main(["new", "task", "mine", "--family", "interception"]) == 2
    assert "pool" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("family", "maze", "already"),
        ("family", "json", "installed already"),
        ("agent", "partner", "already"),
        ("agent", "My-Agent", "lower-case"),
        ("task", "class", "cannot be a name"),
    ],
)
def test_a_name_that_cannot_work_is_refused(kind, name, why, tmp_path, capsys):
    assert main(["new", kind, name, "--dir", str(tmp_path)]) == 2
    assert why in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over_anything(tmp_path, capsys):
    (tmp_path / "conftest.py").write_text("mine = True\n")
    assert main(["new", "agent", "parrot", "--dir", str(tmp_path)]) == 0
    assert (tmp_path / "conftest.py").read_text() == "mine = True\n"
    assert "def pytest_collab_make_agent(name: str)" in capsys.readouterr().out
    (tmp_path / "parrot.py").write_text("changed = True\n")
    assert main(["new", "agent", "parrot", "--dir", str(tmp_path)]) == 2
    assert (tmp_path / "parrot.py").read_text() == "changed = True\n"

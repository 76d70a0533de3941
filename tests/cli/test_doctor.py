"""`collab doctor`: says what works, and how to mend what does not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pytest_collab.cli import main


def look(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    status = main(["doctor", "--json", *arguments])
    return status, {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it."""
    bare = tmp_path / "bin"
    bare.mkdir()
    monkeypatch.setenv("PATH", str(bare))
    return bare


@pytest.mark.slow
def test_it_says_what_works_here(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-not-to-be-shown")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    status, found = look(capsys)
    assert found["python"]["state"] == found["jax"]["state"] == found["sandbox process"]["state"] == "ok"
    assert "a trial maze was made" in found["jax"]["detail"]
    assert status == int(any(thing["needed"] and thing["state"] != "ok" for thing in found.values()))
    assert found["agent claude"]["state"] == "ok"
    assert found["agent gpt"]["fix"] == "export OPENAI_API_KEY=..."
    assert all(thing["fix"] for thing in found.values() if thing["state"] != "ok")
    assert "sk-not-to-be-shown" not in json.dumps(found)


def test_a_machine_without_git_is_told_to_install_it(capsys, bare_path):
    status, found = look(capsys, "git", "programs")
    assert status == 1
    assert found["git"]["state"] == "missing"
    assert "apt-get install git" in found["git"]["fix"]
    assert found["node"]["state"] == found["go"]["state"] == found["cargo"]["state"] == "missing"
    assert main(["doctor", "git"]) == 1
    assert "Mend first: git" in capsys.readouterr().out


def test_a_git_that_cannot_merge_trees_is_too_old(capsys, bare_path):
    git = bare_path / "git"
    git.write_text(f"#!{shutil.which('sh', path=os.defpath) or '/bin/sh'}\necho git version 2.30.2\n")
    git.chmod(0o755)
    status, found = look(capsys, "git")
    assert status == 1
    assert "2.30.2 has no `merge-tree --write-tree`" in found["git"]["detail"]


def test_an_agents_file_that_is_wrong_is_told(capsys, bare_path, tmp_path):
    broken = tmp_path / "agents.yaml"
    broken.write_text("agents: {mine: {provider: nobody, model: x}}\n")
    found = look(capsys, "agents", "--agents-file", str(broken))[1]
    assert "nobody" in found["agents file"]["detail"]


def test_a_family_that_needs_more_says_what(capsys):
    status, found = look(capsys, "families")
    assert status == 0  # what somebody else has to bring is no fault of this machine
    alem = found["family alem"]
    assert alem["state"] == "ok" or "pip install" in alem["fix"]
    assert "family maze" not in found


def test_a_part_that_there_is_not_is_refused(capsys):
    assert main(["doctor", "gti"]) == 2
    assert "'gti'" in capsys.readouterr().err

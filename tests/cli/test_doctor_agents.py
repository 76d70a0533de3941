"""`collab doctor agents`: CLIs on the PATH, their versions, and one turn with each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from pytest_collab.cli import main

pytest.importorskip("acp", reason="pip install 'pytest-collab[acp]'")

ROOT = Path(__file__).parents[2]
PLAIN = """#!/bin/sh
case "$1" in --version) echo "claude 9.9"; exit 0;; esac
case "$*" in *ready*) echo '{"type":"result","result":"ready","total_cost_usd":0.01,"usage":{}}';; esac
"""
SPEAKS = """#!/bin/sh
case "$1" in --version) echo "gemini 1.2"; exit 0;; esac
PYTHONPATH={root} exec {python} -m tests.support.acp_program '[[["say", "ready"]]]'
"""
BROKEN = """#!/bin/sh
case "$1" in --version) echo "qwen 0.1"; exit 0;; esac
echo "please log in" >&2
exit 1
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    speaks = SPEAKS.format(root=ROOT, python=sys.executable)
    for name, text in (("claude", PLAIN), ("gemini", speaks), ("qwen", BROKEN)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tmp_path


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, str]]:
    assert main(["doctor", *arguments, "--json"]) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


@pytest.mark.slow
def test_each_cli_tells_its_version_and_answers_one_turn(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, "agents")
    assert found["CLI claude"]["detail"] == "claude 9.9; one turn: 'ready'"
    assert found["CLI gemini"]["detail"] == "gemini 1.2; one turn: 'ready'"
    assert found["CLI gemini"]["use"] == "--agents=acp/gemini"
    assert found["CLI qwen"]["state"] == "broken"
    assert "please log in" in found["CLI qwen"]["detail"]
    assert found["CLI opencode"] | {"state": "missing", "fix": "npm install -g opencode-ai"} == found["CLI opencode"]

"""A password in an address, wherever one may be given, is refused or masked on every surface."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

PASSWORD, KEY = "canary-in-the-coal-mine-4", "canary-key-of-a-model-7"
ADDRESS = f"http://somebody:{PASSWORD}@127.0.0.1:1"
ENDED = (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)

TASK = "family: handshake\nparams: {}\nseeds: 1\nconditions: [team]\n"
POOL = f"""\
family: coding
params:
  base: {{repository: "{ADDRESS}/pool.git", commit: abcdef1}}
  features: [{{id: one}}, {{id: two}}]
  test: {{command: "true"}}
"""

MODEL = {"provider": "openai-chat", "model": "m", "api_key_env": "CANARY_KEY", "max_retries": 0}
PLACES: dict[str, tuple[dict[str, object], dict[str, str], str, list[str]]] = {
    "agents file": (MODEL | {"base_url": f"{ADDRESS}/v1"}, {}, TASK, ["--agents=m"]),
    "variable": (MODEL, {"OPENAI_BASE_URL": f"{ADDRESS}/v1"}, TASK, ["--agents=m"]),
    "proxy": (MODEL | {"base_url": "http://model.invalid/v1"}, {"HTTP_PROXY": ADDRESS}, TASK, ["--agents=m"]),
    "remote agent": (MODEL, {}, TASK, [f"--agents=a2a/{ADDRESS}"]),
    "baseline": (MODEL, {}, TASK, ["--agents=partner", f"--collab-baseline={ADDRESS}/run"]),
    "pool": (MODEL, {}, POOL, ["--agents=partner"]),
}
"""Where an address may be given -> the agent `m`, the environment, the task, the options."""


@pytest.mark.parametrize("place", PLACES)
def test_a_password_in_an_address_is_on_no_surface(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    agent, environment, task, options = PLACES[place]
    for name in ("OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (environment | {"CANARY_KEY": KEY}).items():
        monkeypatch.setenv(name, value)
    agents = suite.path / "collab-agents.yaml"
    agents.write_text(json.dumps({"agents": {"m": agent}}))
    file = suite.path / "the.collab.yaml"
    file.write_text(task)
    surfaces = ["--collab-run-dir=out", "--junitxml=junit.xml", "--log-file=log.txt", "--log-file-level=DEBUG", "-l"]
    result = suite.runpytest_subprocess(*options, *surfaces)
    assert result.ret in ENDED
    told = result.stdout.str() + result.stderr.str()
    for path in suite.path.rglob("*"):
        if path.is_file() and path not in (agents, file):
            told += path.read_text(errors="replace")
    assert PASSWORD not in told
    assert KEY not in told
    if place == "proxy":
        assert "HTTP_PROXY" in told, "the proxy is named, by its variable"
        assert (suite.path / "out" / "report.html").is_file(), "it was played, and all surfaces are there"


def test_where_a_pool_was_cloned_from_is_left_behind(tmp_path: Path) -> None:
    from pytest_collab.families.coding.pool.pool import Base
    from pytest_collab.families.coding.repository.seed import seed_repository

    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    (clone / "file").write_text("text")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["remote", "add", "origin", f"{ADDRESS}/x.git"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(clone), *words], check=True)
    done = subprocess.run(["git", "-C", str(clone), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    base = Base(repository=str(clone), commit=done.stdout.strip())
    seed_repository(base, tmp_path, cache=tmp_path / "cache")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept

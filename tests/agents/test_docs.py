"""docs/agents.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_collab.agents.agents_file import read
from pytest_collab.agents.settings import AgentSettings

DOC = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")


def block(marker: str) -> str:
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```", DOC, re.DOTALL)
    assert found is not None, marker
    return found[1]


def test_the_agents_file_of_the_docs_is_one(tmp_path: Path) -> None:
    path = tmp_path / "collab-agents.yaml"
    path.write_text(block("file: collab-agents.yaml"))
    assert set(read(path).agents) == {"claude", "careful", "local", "router", "coder"}


def test_every_setting_is_documented_with_its_default() -> None:
    table = "\n".join(line for line in DOC.splitlines() if line.startswith("| `"))
    for key, field in AgentSettings.model_fields.items():
        assert f"`{key}`" in table, key
        if key in ("max_tokens", "timeout_s", "max_retries"):
            assert f"{field.default:g}" in table, key


@pytest.mark.slow
def test_the_own_agent_of_the_docs_plays(suite: pytest.Pytester) -> None:
    code = block("run: own_agent")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    conftest = suite.path / "conftest.py"
    families = conftest.read_text().split("def pytest_collab_make_agent")[0]
    conftest.write_text(f"{families}\n{code}")
    suite.makepyfile(
        """
        from pytest_collab import task
        from tests.support.handshake import Handshake

        @task(Handshake(), conditions=["team"])
        def test_shake(episode):
            assert episode.success
            assert episode.usage["b"].model == "parrot-1"
        """
    )
    suite.runpytest_subprocess("--agents=parrot", "-p", "no:cacheprovider").assert_outcomes(passed=1)

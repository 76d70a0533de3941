"""Keys never show: a run with a planted key, and everything that it wrote, searched."""

from __future__ import annotations

import json
import pickle
import traceback
from pathlib import Path

import pytest

from pytest_collab.agents.secrets import MASK, Secret, environment, redact, redacted, remember
from tests.support.model_server import Call, ModelServer, Say
from tests.support.soak import shake

PLANTED = "sk-planted-9f8e7d6c5b4a"

CONFTEST = """
from pathlib import Path
import pytest
from pytest_collab.agents.registry import Registry
from tests.support.handshake import Handshake, HandshakeFamily

HERE = Path(__file__).parent
registry = Registry(cast=HandshakeFamily.cast, agents_file=HERE / "collab-agents.yaml", record=HERE / "tape")

def pytest_collab_families(config):
    return [HandshakeFamily()]

def pytest_collab_make_agent(config, name):
    return registry.get(name)
"""

TEST = """
import logging
from pytest_collab import task
from tests.support.handshake import Handshake, HandshakeFamily

logging.getLogger().setLevel(logging.DEBUG)

@task(Handshake(), seeds=1, conditions=["solo"])
def test_shake(episode):
    assert episode.success

@task(Handshake(), seeds=1, conditions=["solo"])
def test_crash(episode):
    raise RuntimeError("a test of the user's own crashes")
"""


def tell_the_key(call: Call) -> Say:
    """A provider that sends the key back in its answers."""
    return Say(f"{shake(call).text} {call.headers.get('authorization')}")


FAULTS = ("none", "401", "500", "invalid_json", "cut")


@pytest.mark.slow
def test_a_planted_key_is_found_in_nothing_that_a_run_writes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("PLANTED_KEY", PLANTED)
    for variable in ("ANTHROPIC_LOG", "OPENAI_LOG"):
        monkeypatch.setenv(variable, "debug")
    with ModelServer(answer=tell_the_key, fault=lambda call: call.model) as server:
        agents = {
            f"{provider}-{fault}": {
                "provider": provider,
                "model": fault,  # the server commits the fault that the model is called after
                "base_url": server.url if provider == "anthropic" else f"{server.url}/v1",
                "api_key_env": "PLANTED_KEY",
                "max_retries": 1,
                "headers": {"x-second-token": "${PLANTED_KEY}"},
            }
            for provider in ("anthropic", "openai")
            for fault in FAULTS
        }
        pytester.makefile(".yaml", **{"collab-agents": json.dumps({"agents": agents})})
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(TEST)
        options = (
            "--showlocals",
            "--tb=long",
            "--junitxml=junit.xml",
            "--log-level=DEBUG",
            "--log-file=log.txt",
            "-rA",
        )
        done = pytester.runpytest_subprocess(f"--agents={','.join(agents)}", "-p", "no:cacheprovider", *options)
        assert {line.call.model for line in server.log} == set(FAULTS), done.stdout.str()
        assert all(PLANTED in str(line.call.headers) for line in server.log)
    written = [path for path in pytester.path.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum("transcripts" in str(path) for path in written) >= len(agents)
    assert (pytester.path / "junit.xml").is_file()
    for path in written:
        assert PLANTED.encode() not in path.read_bytes(), path
    assert PLANTED not in done.stdout.str()
    assert PLANTED not in done.stderr.str()


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret(PLANTED)
    assert PLANTED not in f"{secret} {secret!r} {secret:>40}"
    assert secret.reveal() == PLANTED
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    try:
        held = secret
        raise RuntimeError(f"with {held}")
    except RuntimeError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert PLANTED not in "".join(trace.format())


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    remember("alpha-secret", "alpha-secret-and-more")
    assert redact("alpha-secret-and-more, alpha-secret.") == f"{MASK}, {MASK}."
    data = {"alpha-secret": ["x", ("alpha-secret", 3)], "n": None}
    assert redacted(data) == {MASK: ["x", [MASK, 3]], "n": None}


def test_secrets_of_the_environment_are_found_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "gh-0123456789ab")
    monkeypatch.setenv("MAX_TOKEN", "123456789012")
    monkeypatch.setenv("KEYBOARD", "layout-of-keys")
    environment()
    assert redact("gh-0123456789ab 123456789012 layout-of-keys") == f"{MASK} 123456789012 layout-of-keys"


def test_short_values_are_left_alone() -> None:
    remember("no", "")
    assert redact("no secret here") == "no secret here"

"""Names, the agents file, prices: what a user writes and what is made of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.agents.agents_file import read
from pytest_collab.agents.prices import Tariff, Tokens, refuse_unpriced, table, tariff
from pytest_collab.agents.registry import ALIASES, Registry
from pytest_collab.agents.settings import AgentSettings, Price
from pytest_collab.errors import TaskError, UsageError

GOOD = """
limits:
  anthropic: {requests_per_minute: 600, in_flight: 8}
agents:
  claude:
    provider: anthropic
    model: claude-opus-5-5
    reasoning_effort: low
  local:
    provider: openai-chat
    base_url: http://127.0.0.1:8000/v1/
    model: qwen3-30b
    price: {input: 0, output: 0}
"""


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-123456")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-123456")


def write(folder: Path, text: str) -> Path:
    path = folder / "collab-agents.yaml"
    path.write_text(text)
    return path


@pytest.mark.usefixtures("keys")
def test_an_agents_file_names_agents_and_repoints_aliases(tmp_path: Path) -> None:
    registry = Registry(agents_file=write(tmp_path, GOOD))
    claude = registry.get("claude")
    assert (claude.name, claude.model) == ("claude", "claude-opus-5-5")
    assert registry.get("claude") is claude
    local = registry.get("local").describe()
    assert local["address"] == "http://127.0.0.1:8000/v1"
    assert local["key_variable"] is None
    assert registry.get("gpt").describe()["provider"] == "openai"
    assert registry.get("anthropic/claude-haiku-4-5").context_tokens == 200_000


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("agents: {x: {provider: anthropc, model: m}}", 1, ["agents.x.provider", "'anthropc'"]),
        (
            "agents:\n  x:\n    provider: anthropic\n    model: m\n    temprature: 1",
            5,
            ["agents.x.temprature", "Did you mean 'temperature'"],
        ),
        ("agents:\n  x:\n    provider: anthropic\n    model: m\n    temperature: hot", 5, ["temperature", "'hot'"]),
        ("agents:\n  x:\n    provider: anthropic", 2, ["agents.x", "needs `model`"]),
        ("agents:\n  x: {provider: openai, model: m, price: {inptu: 1, output: 2}}", 2, ["inptu", "'input'"]),
        ("agents:\n  x: {provider: openai, model: m, base_url: localhost}", 2, ["base_url", "not an http://"]),
        ("agents: {x: {provider: anthropic, model: m, base_url: 'http://h/v1'}}", 1, ["must not end in /v1"]),
        ("agent: {}", 1, ["agent", "Did you mean 'agents'"]),
        ("agents:\n  - x", 1, ["agents", "not a mapping"]),
        ("agents:\n  a+b: {provider: openai, model: m}", 2, ["'a+b'", "joins a team"]),
        ("limits:\n  antropic: {in_flight: 2}", 2, ["'antropic'", "Did you mean 'anthropic'"]),
        ("agents: [", 1, ["not valid YAML"]),
    ],
)
def test_a_wrong_agents_file_is_refused_with_its_line_key_and_remedy(
    tmp_path: Path, text: str, line: int, told: list[str]
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(TaskError) as caught:
        read(path)
    message = str(caught.value)
    assert f"{path}:{line}" in message
    assert caught.value.remedy
    for part in told:
        assert part in message


def test_a_key_written_into_the_agents_file_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        read(write(tmp_path, "agents: {x: {provider: openai, model: m, api_key_env: sk-live-abcdef123}}"))
    assert "sk-live-abcdef123" not in str(caught.value)
    assert "name of an environment variable" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cluade", "Did you mean 'claude'"),
        ("patner", "Did you mean 'partner'"),
        ("opnai/gpt-6-sol", "Did you mean 'openai/gpt-6-sol'"),
        ("anthropic/", "names no model"),
        ("builtin/nobody", "unknown agent 'builtin/nobody'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Registry().get(name)


def test_a_missing_key_is_said_before_anything_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(UsageError, match=r"export ANTHROPIC_API_KEY=.*--agents=partner"):
        Registry().get("claude")


@pytest.mark.usefixtures("keys")
def test_a_listing_tells_names_sources_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    path = write(tmp_path, GOOD)
    known = {entry.name: entry for entry in Registry(agents_file=path).known()}
    assert known["claude"].source == f"{path}: anthropic/claude-opus-5-5"
    assert known["claude"].key == "ANTHROPIC_API_KEY is set"
    assert known["gpt"].source == f"alias of {ALIASES['gpt']}"
    assert known["gpt"].key == "OPENAI_API_KEY is NOT set"
    assert known["local"].key == known["partner"].key == "needs no key"


@pytest.mark.usefixtures("keys")
def test_the_aliases_have_a_price_and_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    for alias in ALIASES:
        about = Registry().get(alias).describe()
        assert about["price"]
        assert str(table()["as_of"]) in about["price_from"]
        assert about["context_tokens"] >= 200_000


@pytest.mark.usefixtures("keys")
def test_the_price_table_holds_for_the_providers_own_address_only() -> None:
    known = AgentSettings.model_validate({"provider": "openai", "model": "gpt-6-luna-2026-09-22"})
    assert tariff(known) is not None
    elsewhere = known.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    assert tariff(elsewhere) is None
    own = elsewhere.model_copy(update={"price": Price(input=0, output=0)})
    assert tariff(own) == Tariff(Price(input=0, output=0), "agents file")
    with pytest.raises(UsageError, match=r"the price of local is not known.*price: \{input"):
        refuse_unpriced({"local": tariff(elsewhere), "gpt": tariff(known)}, 5.0)
    refuse_unpriced({"gpt": tariff(known)}, 5.0)


def test_a_long_request_is_charged_at_the_long_price_as_a_whole() -> None:
    luna = tariff(AgentSettings.model_validate({"provider": "openai", "model": "gpt-6-luna"}))
    assert luna is not None
    assert luna.cost(Tokens(272_000, 1000)) == pytest.approx((272_000 * 0.1 + 1000 * 0.5) / 1e6)
    assert luna.cost(Tokens(272_001, 1000)) == pytest.approx((272_001 * 0.2 + 1000 * 0.75) / 1e6)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_every_token_is_charged_once(fresh: int, cached: int, written: int, output: int) -> None:
    flat = Tariff(Price(input=1, output=1), "agents file")
    tokens = Tokens(fresh + cached + written, output, cached, written)
    assert flat.cost(tokens) == pytest.approx((fresh + cached + written + output) / 1e6)


def test_all_rows_of_the_price_table_are_whole() -> None:
    for model, row in table()["models"].items():
        for part in (row, row.get("long")):
            if part:
                written = part.get("cache_write", part["input"])  # some providers charge nothing extra for writing
                assert part["cached_input"] <= part["input"] <= written < part["output"], model


def test_knowing_an_agent_imports_no_sdk() -> None:
    code = (
        "import sys; from pytest_collab.agents import Registry; Registry().known();"
        "print([m for m in ('openai', 'anthropic', 'httpx2', 'mcp') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The price table against a list that somebody else keeps: the map of litellm, where that is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.prices import table

ROOT = Path(__file__).parents[2]
PER_TOKEN = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}


def their_map() -> dict[str, Any]:
    found = sorted(ROOT.glob(".venv-litellm/lib/python*/site-packages/litellm/model_prices*backup.json"))
    if not found:
        pytest.skip("litellm is not installed: python -m venv .venv-litellm && .venv-litellm/bin/pip install litellm")
    loaded: dict[str, Any] = json.loads(found[0].read_text())
    return loaded


@pytest.mark.parametrize("model", sorted(table()["models"]))
def test_a_models_prices_and_window_are_those_that_others_list(model: str) -> None:
    theirs, ours = their_map().get(model), table()["models"][model]
    if theirs is None:
        pytest.skip(f"litellm's map does not list {model}")
    for key, per_token in PER_TOKEN.items():
        if theirs.get(per_token) is not None:
            assert ours.get(key) == pytest.approx(theirs[per_token] * 1e6), key
    assert ours["context"] == theirs["max_input_tokens"]
    if "long" in ours:
        above = f"_above_{ours['long']['above'] // 1000}k_tokens"
        for key, per_token in PER_TOKEN.items():
            if theirs.get(per_token + above) is not None:
                assert ours["long"][key] == pytest.approx(theirs[per_token + above] * 1e6), key

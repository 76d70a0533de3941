"""Who plays, in the header of a session: name, model, and what decides its answers and its price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_collab.episode.agent import Agent

DEFAULT_EFFORT: Final = {
    "anthropic": "the model's own (Claude: high)",
    "openai": "the model's own (GPT: medium)",
    "openai-chat": "the server's own",
}
"""What a model does that is not told how hard to think."""


def introduced(agent: Agent) -> str:
    """Name and model of an agent."""
    model = agent.describe().get("model") or ""
    return f"{agent.name} ({model})" if model and model not in (agent.name, f"builtin/{agent.name}") else agent.name


def settings_lines(agents: Sequence[Agent]) -> list[str]:
    """A line for each model: effort, longest answer, price and its date; and a word where efforts are not alike."""
    lines = []
    efforts = set()
    for agent in agents:
        about = agent.describe()
        if about.get("provider") not in DEFAULT_EFFORT:
            continue
        given = about["settings"]
        effort = given.get("reasoning_effort") or DEFAULT_EFFORT[about["provider"]]
        efforts.add(effort)
        lines.append(
            f"  {agent.name}: {about['provider']}/{about['model']}, effort {effort}, "
            f"max_tokens {given['max_tokens']}, {_price(about)}"
        )
    if len(efforts) > 1:
        lines.append(
            "  Their effort is not the same: set reasoning_effort in the agents file to compare like with like."
        )
    return lines


def _price(about: dict[str, Any]) -> str:
    price = about.get("price")
    if price is None:
        return "price not known"
    return f"${price['input']:g} in, ${price['output']:g} out a million tokens ({about['price_from']})"

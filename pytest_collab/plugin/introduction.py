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

PAYS_FOR_ITSELF: Final = ("command", "acp", "a2a", "python", "team")
"""Agents that bring their own model, and settings that nobody here knows."""


def introduced(agent: Agent) -> str:
    """Name and model of an agent."""
    model = agent.describe().get("model") or ""
    return f"{agent.name} ({model})" if model and model not in (agent.name, f"builtin/{agent.name}") else agent.name


def settings_lines(agents: Sequence[Agent]) -> list[str]:
    """A line for each model or program: what decides its answers, price and date; a word where efforts differ."""
    lines = []
    efforts = set()
    for agent in agents:
        about = agent.describe()
        if about.get("provider") in PAYS_FOR_ITSELF:
            lines.append(f"  {agent.name}: {about['provider']}, its model and effort are its own, {_price(about)}")
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
        return "what it spends is known as it tells" if about["provider"] in PAYS_FOR_ITSELF else "price not known"
    if "episode" in price:
        return f"${price['episode']:g} a seat and episode where it tells nothing ({about['price_from']})"
    return f"${price['input']:g} in, ${price['output']:g} out a million tokens ({about['price_from']})"

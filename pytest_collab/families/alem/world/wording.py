"""The package's own words about a state, at the speed of NumPy.

Its text wrapper asks three things of JAX while it writes: which actions are legal, whether the boss can be hurt, and
a small table. Unjitted, that costs most of the time of a step. The compiled step has the first two answers already,
so they travel with the state; a state that carries none (the package used by itself) is answered by the package.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

from pytest_collab.core.alem import package as alem_package
from pytest_collab.core.alem.rules import WorldRules, description_settings, harness_settings

_MASK, _VULNERABLE = "_collab_mask", "_collab_vulnerable"


def text_world(rules: WorldRules) -> Any:
    """The package's AlemTextEnv for these rules, configured as its evaluation harness configures it."""
    module = alem_package.load()
    _answer_at_once()
    wording = description_settings(rules)
    agent = {
        "prompt_mode": wording.pop("prompt_mode"),
        "show_affordances": wording.pop("show_affordances"),
        "include_all_actions": not rules.show_affordances,
        "progressively_display_game_info": rules.progressive_disclosure,
    }
    alem = {**harness_settings(rules), "wrapper": wording}
    return module.AlemTextEnv("default", Configuration(agent, alem, rules.max_steps))


class Configuration(SimpleNamespace):
    """What AlemTextEnv wants: attributes, and `get`."""

    def __init__(self, agent: dict[str, Any], alem: dict[str, Any], max_steps: int) -> None:
        super().__init__(agent=agent, alem=alem, eval=_Section(max_steps_per_episode=max_steps, debug=False))

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)


class _Section(SimpleNamespace):
    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)


def with_answers(state: Any, mask: Any, vulnerable: Any) -> Any:
    """The state, with the answers to what its description will ask."""
    object.__setattr__(state, _MASK, mask)  # frozen, and not a field: it never reaches JAX
    object.__setattr__(state, _VULNERABLE, bool(vulnerable))
    return state


@cache
def number_of(action: str) -> int:
    """The package's number of an action, by its name in texts."""
    from alem.llm.alem_language_wrapper import ACTIONS

    return int(ACTIONS.index(action))


@cache
def _answer_at_once() -> None:
    """Let the text wrapper look into the state before it asks JAX."""
    import numpy as np
    from alem.llm import alem_language_wrapper as wrapper

    def carried(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def answer(state: Any, *rest: Any) -> Any:
            found = getattr(state, name, None)
            return ask(state, *rest) if found is None else found

        return answer

    wrapper.compute_action_mask = carried(_MASK, wrapper.compute_action_mask)
    wrapper.is_boss_vulnerable = carried(_VULNERABLE, wrapper.is_boss_vulnerable)
    wrapper.FLOOR_MOB_MAPPING = np.asarray(wrapper.FLOOR_MOB_MAPPING)
    # It warns of every reply that names no action; replies are judged by the family.
    logging.getLogger("alem.llm.alem_env").setLevel(logging.ERROR)

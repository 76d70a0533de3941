"""Record an episode with alem-env alone, as its authors' harness drives it: what our world is held against.

python benchmarks/alem_reference.py tests/families/alem_reference.json

Nothing of pytest-collab is imported: the package's AlemTextEnv is made with the settings of its evaluation harness,
and stepped with actions that a hash picks out of those which the observation offers. Kept are the actions, the
rewards, a digest of every observation, and the score. Run it in an environment with the versions that alem-env pins;
it takes minutes, most of them for the package's textures and compilation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SEED, STEPS, AGENTS = 9999, 60, 3

AGENT = {
    "prompt_mode": "specific_collaborative", "show_affordances": True, "include_all_actions": False,
    "progressively_display_game_info": True,
}  # fmt: skip
WRAPPER = {"unique_items": True, "precise_location": True, "exact_coordinates": True}
ALEM = {
    "num_agents": AGENTS, "max_timesteps": 10_000, "coordination_difficulty": "easy", "soft_specialization": True,
    "shared_reward": False, "specialist_efficiency": 1.0, "non_specialist_efficiency": 0.2, "wrapper": WRAPPER,
}  # fmt: skip


class Section(SimpleNamespace):
    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)


class Table(dict[str, Any]):
    """Sections of settings are read both as attributes and by `get`."""

    __getattr__ = dict.__getitem__


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def observation(told: dict[str, Any]) -> str:
    return told["text"]["long_term_context"] + "\n" + told["text"]["short_term_context"]


def pick(text: str, step: int, seat: int) -> str:
    """An action on offer: Do half of the time, a move a quarter, else anything, all by a hash of step and seat."""
    offered = re.findall(r"^ - (.+)$", text.partition("Available actions:")[2], re.MULTILINE)
    number = int(digest(f"{step} {seat}"), 16)
    if "Do" in offered and number % 4 < 2:
        return "Do"
    if "Do" in offered and number % 4 == 2:
        return ("Move West", "Move East", "Move North", "Move South")[number // 4 % 4]
    return offered[number // 4 % len(offered)] if offered else "Noop"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()

    import jax
    from alem.llm.alem_env import AlemTextEnv

    config = Section(agent=AGENT, alem=Table(ALEM), eval=Section(max_steps_per_episode=STEPS))
    env = AlemTextEnv("default", config)
    told, _ = env.reset(seed=SEED)
    texts = [observation(one) for one in told]
    recorded: dict[str, Any] = {
        "versions": {name: version(name) for name in ("alem-env", "jax", "flax", "numpy")},
        "seed": SEED,
        "prompts": [digest(env.get_instruction_prompt(seat)) for seat in range(AGENTS)],
        "observations": [[digest(text) for text in texts]],
        "actions": [],
        "rewards": [],
    }
    for step in range(STEPS):
        print(f"step {step}", flush=True)
        actions = [env.check_action_validity(pick(text, step, seat), seat) for seat, text in enumerate(texts)]
        told, rewards, _, _, info = env.step(actions)
        texts = [observation(one) for one in told]
        recorded["actions"].append(actions)
        recorded["rewards"].append(rewards)
        recorded["observations"].append([digest(text) for text in texts])
    score = {name: float(jax.numpy.mean(value)) for name, value in info["user_info"].items()}
    recorded["score"] = {name: value for name, value in sorted(score.items()) if value}
    recorded["last_observation"] = texts[0]
    arguments.file.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()

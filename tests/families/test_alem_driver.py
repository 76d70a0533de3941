"""alem-env, driven: it deals, tells and scores as it does by itself, and every step's facts add up."""

from __future__ import annotations

import hashlib
import io
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.core.alem import package as alem_package
from pytest_collab.core.alem.rules import Kind
from pytest_collab.errors import TaskError, UsageError
from pytest_collab.families.alem.world.pictures import FILM_MILLISECONDS
from pytest_collab.families.alem.world.world import World, WorldRules

RECORDED = Path(__file__).with_name("alem_reference.json")
"""An episode played with alem-env alone, under the versions it pins: made by benchmarks/alem_reference.py."""


def lacking() -> str | None:
    try:
        alem_package.require()
    except UsageError as error:
        return str(error)
    return None


needs_alem = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(RECORDED.read_text())
    return content


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def wander(world: World, steps: int, luck: random.Random) -> list[dict[str, Any]]:
    """Facts of steps in which every seat takes any legal action but to lie down."""
    made = []
    while len(made) < steps and not world.done:
        seats = range(world.rules.agents)
        chosen = [luck.choice([a for a in world.legal(seat) if a not in ("Sleep", "Rest")]) for seat in seats]
        made.append(world.step(chosen).facts)
    return made


# ---- faithful ----


@needs_alem
@pytest.mark.slow
def test_the_same_actions_bring_the_same_observations_rewards_and_score_as_the_package_by_itself(
    recorded: dict[str, Any],
) -> None:
    world = World(WorldRules(difficulty="easy", max_steps=10_000), recorded["seed"])
    assert [digest(world.system_prompt(seat)) for seat in range(3)] == recorded["prompts"]
    for actions, rewards, told in zip(
        recorded["actions"], recorded["rewards"], recorded["observations"], strict=False
    ):
        assert [digest(world.observe(seat)) for seat in range(3)] == told, f"before step {world.step_number}"
        assert world.step(actions).rewards == pytest.approx(rewards, abs=1e-6)
    assert world.observe(0) == recorded["last_observation"]
    score = {name: value for name, value in world.score().all.items() if value}
    assert score == pytest.approx(recorded["score"], rel=1e-5, abs=1e-6)


@needs_alem
@pytest.mark.slow
def test_a_score_names_base_coordination_and_total_by_both_measures(recorded: dict[str, Any]) -> None:
    world = World(WorldRules(), recorded["seed"])
    for actions in recorded["actions"]:
        world.step(actions)
    score, theirs = world.score(), recorded["score"]
    assert score.reward_pct_of_max.total == pytest.approx(theirs["Team/reward_pct_of_max"])
    assert score.reward_pct_of_max.base == pytest.approx(theirs["Team/normal_reward_pct_of_max"])
    assert score.achievement_pct.total == pytest.approx(theirs["Team/achievement_pct"])
    assert score.reward_pct_of_max.total > 0


@needs_alem
@pytest.mark.slow
def test_a_seed_is_a_world() -> None:
    texts = [World(WorldRules(), seed).observe(0) for seed in (9999, 9999, 10_000)]
    assert texts[0] == texts[1] != texts[2]


# ---- what a step did ----


@needs_alem
@pytest.mark.slow
def test_facts_agree_with_the_counters_that_the_world_keeps() -> None:
    luck = random.Random(5)
    for seed in (9999, 10_001):
        world = World(WorldRules(difficulty="easy"), seed)
        for one in wander(world, 150, luck):
            grown, sync = one.get("counters", {}), one.get("sync", [])
            blocks = [attempt for attempt in sync if attempt["kind"] == "sync"]
            assert bool(blocks) == bool(grown.get("coord_sync_attempts"))
            assert any(attempt["success"] for attempt in blocks) == bool(grown.get("coord_sync_successes"))
            elites = [attempt for attempt in sync if attempt["kind"] in ("elite", "large")]
            assert bool(elites) == bool(grown.get("coord_elite_attempts"))
            begun = [entry for entry in one.get("handover", []) if entry["event"] == "set_up"]
            assert len(begun) == grown.get("handover_setups", 0)
            lapsed = [entry for entry in one.get("handover", []) if entry["event"] == "expired"]
            assert len(lapsed) == grown.get("handover_expiries", 0)
            ended = [entry for entry in one.get("handover", []) if entry["event"] == "completed"]
            assert len(ended) == grown.get("handover_successes", 0)
            asked = [entry for entry in one.get("requests", []) if entry["event"] == "asked"]
            assert len(asked) == sum(grown.get("request_count", [0]))
            lost = [entry for entry in one.get("requests", []) if entry["event"] == "expired"]
            assert len(lost) == sum(grown.get("request_expiry_count", [0]))
            assert len(one.get("trades", [])) == sum(grown.get("trade_count", [0]))
            assert len(one.get("friendly_fire", [])) == sum(damage > 0 for damage in grown.get("ff_damage_dealt", []))


@needs_alem
@pytest.mark.slow
def test_facts_and_views_are_plain_and_small_and_show_no_more_than_is_lit() -> None:
    world = World(WorldRules(), 9999)
    for one in wander(world, 40, random.Random(2)):
        assert len(json.dumps(one)) < 2_000
    state, view = world.state, world.view(1)
    assert json.loads(json.dumps(view)) == view
    assert len(json.dumps(world.facts())) < 16_000
    top, left = view["origin"]
    level = view["level"]
    for row, blocks in enumerate(view["blocks"]):
        for column, block in enumerate(blocks):
            lit = state.light_map[level, top + row, left + column] > 0.05
            assert (block is not None) == bool(lit)
    assert view["me"]["at"] == state.player_position[1].tolist()
    for thing in view["objects"]:
        row, column = thing["at"][0] - top, thing["at"][1] - left
        assert view["blocks"][row][column] is not None


@needs_alem
@pytest.mark.slow
def test_an_action_without_effect_is_told_so_and_one_that_does_not_exist_is_refused() -> None:
    world = World(WorldRules(), 9999)
    assert "Descend" not in world.legal(0)
    assert world.step(["Descend", "Noop", "Noop"]).effective == (False, True, True)
    assert "had no effect" in world.observe(0)
    assert "Give to Agent 1" not in [*world.legal(1), *world.legal(0)]
    for wrong in (["Jump", "Noop", "Noop"], ["Give to Agent 0", "Noop", "Noop"], ["Noop"]):
        with pytest.raises(ValueError, match=r"Jump|Give to Agent 0|1 action"):
            world.step(wrong)
    assert world.canonical("<action>give to agent 2</action>", 0) == "Give to Agent 2"
    assert world.canonical("I had rather not say", 0) == "Noop"


@needs_alem
@pytest.mark.slow
def test_a_world_ends_at_its_last_step() -> None:
    world = World(WorldRules(max_steps=3), 9999)
    assert [world.step(["Noop"] * 3).done for _ in range(3)] == [False, False, True]
    with pytest.raises(ValueError, match="ended after 3 steps"):
        world.step(["Noop"] * 3)


@needs_alem
@pytest.mark.slow
def test_a_frame_shows_the_team_and_a_film_its_last_steps() -> None:
    image = pytest.importorskip("PIL.Image")
    world = World(WorldRules(), 9999, remember=3)
    for _ in range(5):
        world.step(["Move South", "Move East", "Noop"])
    frame = image.open(io.BytesIO(world.frame(0)))
    assert frame.size == (11 * 16, 9 * 16)
    whole = image.open(io.BytesIO(world.frame(block_pixels=8)))
    assert whole.width >= 11 * 8
    film = image.open(io.BytesIO(world.film()))
    shown = 0
    for number in range(film.n_frames):  # what did not change from one state to the next is one frame, shown longer
        film.seek(number)
        shown += film.info["duration"]
    assert shown == 4 * FILM_MILLISECONDS
    assert len(world.frame()) < 20_000


# ---- many at once ----


@needs_alem
@pytest.mark.slow
def test_a_batch_plays_the_worlds_that_are_played_one_by_one() -> None:
    from pytest_collab.core.alem.policies import rollouts

    rules, seeds = WorldRules(max_steps=40), (9999, 10_000, 10_001)
    batch = rollouts(rules, "nop", seeds)
    for number, seed in enumerate(seeds):
        world = World(rules, seed)
        while not world.done:
            world.step(["Noop"] * 3)
        assert batch.steps[number] == world.step_number
        assert batch.scores["reward_total"][number] == pytest.approx(world.score().reward_pct_of_max.total)
    by_chance = rollouts(rules, "random", seeds)
    assert by_chance.scores["achievement_total"].mean() > batch.scores["achievement_total"].mean()


# ---- without paying for it ----

SPLITS_OF_JAX_0_4 = [
    [3583082021, 1059767885],
    [1158596951, 3570483602],
    [902484696, 1947592014],
    [964771841, 2936027381],
    [2956069637, 3584898772],
]
"""jax.random.split(jax.random.PRNGKey(7), 5) under jax 0.4.38."""

PROBE = """
import sys
import jax
before = jax.random.split(jax.random.PRNGKey(7), 5).tolist(), jax.config.jax_threefry_partitionable
from importlib.util import find_spec
from pathlib import Path
assets = Path(next(iter(find_spec("alem").submodule_search_locations))) / "alem_coop" / "assets"
caches_before = list(assets.glob("*.pbz2"))
from pytest_collab.core.alem import package as alem_package
alem_package.load()
from pytest_collab.core.alem.programs import functions
from pytest_collab.core.alem.rules import Kind
functions(Kind(3, True, True))
assert not {"seaborn", "matplotlib", "matplotlib.pyplot"} & set(sys.modules), "plotting was imported"
assert caches_before == list(assets.glob("*.pbz2")), "a texture cache was built"
with alem_package.old_splits():
    inside = jax.random.split(jax.random.PRNGKey(7), 5).tolist()
after = jax.random.split(jax.random.PRNGKey(7), 5).tolist(), jax.config.jax_threefry_partitionable
assert after == before, "other code's random numbers changed"
print(inside)
"""


@needs_alem
@pytest.mark.slow
def test_importing_it_makes_no_textures_and_leaves_other_random_numbers_alone() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == SPLITS_OF_JAX_0_4


@needs_alem
def test_easy_medium_hard_and_any_alpha_share_one_compilation() -> None:
    kinds = {Kind.of(WorldRules(difficulty=level)) for level in ("easy", "medium", "hard", 0.0, 0.45)}
    assert len(kinds) == 1
    assert Kind.of(WorldRules(difficulty="none")) not in kinds


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"difficulty": "hardest"}, "hardest"),
        ({"difficulty": 1.5}, "1.5"),
        ({"agents": 0}, "0"),
        ({"max_steps": 0}, "0"),
        ({"non_specialist_efficiency": -1.0}, "-1.0"),
    ],
)
def test_rules_that_cannot_be_name_what_is_wrong(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        WorldRules(**wrong)


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setattr(sys, "modules", {k: v for k, v in sys.modules.items() if not k.startswith("alem")})
    with pytest.raises(UsageError, match=r"pip install 'pytest-collab\[alem\]'"):
        alem_package.require()
    monkeypatch.setattr(alem_package, "LAST_PYTHON", (3, 10))
    with pytest.raises(UsageError, match=r"supports Python up to 3\.10.*\n.*virtual environment"):
        alem_package.require()

"""Kitchens: what cooks are told and understood by, what orders come to, and who is to blame."""

from __future__ import annotations

import json
import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.core.kitchen import plan
from pytest_collab.episode.agent import Reply, Request
from pytest_collab.episode.condition import Condition
from pytest_collab.episode.outcome import Outcome
from pytest_collab.errors import TaskError
from pytest_collab.families.kitchen import Kitchen, KitchenFamily, optimum, orders, rules, talk, words
from pytest_collab.testing import Played, check_family, play_episode
from tests.support import collab_overcooked
from tests.support.says import Says

FAMILY = KitchenFamily()
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kitchen_optimum.py"
ORDER = orders.order(5, 0)
HERE = orders.kitchen(ORDER, 3)
RAW = ORDER.ingredients[0]
RING = plan.soups("coordination_ring")


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_every_order_can_be_cooked_by_its_own_recipes_and_says_nothing_of_itself(level: int, seed: int) -> None:
    made = orders.order(level, seed)
    kitchen = orders.kitchen(made, 3)
    have = set(made.shelf)
    for stage in made.stages:
        assert set(stage.inputs) <= have
        assert kitchen.made[stage.utensil, stage.inputs].product == stage.product
        have.add(stage.product)
    assert made.name in have
    assert not any(item in made.name.lower() for item in orders.INGREDIENTS)
    assert (made.level, made.heat, 3) in optimum.STEPS


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_table_of_optima_is_what_the_search_finds(level: int) -> None:
    for made in {order.heat: order for order in (orders.order(level, seed) for seed in range(9))}.values():
        for counters in (1, 2, 3):
            found = optimum.fewest_steps(orders.kitchen(made, counters), made)
            assert optimum.STEPS[level, made.heat, counters] == found


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_search_written_in_c_finds_what_the_one_in_python_does(tmp_path: Path) -> None:
    searched = runpy.run_path(str(BENCHMARK))
    library, fewest_steps = searched["compiled"](tmp_path), searched["fewest_steps"]
    for level in (2, 3, 4, 5):
        made = orders.order(level, 1)
        for counters in (1, 2, 3):
            steps, _ = fewest_steps(library, made, counters, limit=60, most=1 << 15)
            assert steps == optimum.STEPS[level, made.heat, counters]
    assert fewest_steps(library, made, 1, limit=51, most=1 << 15)[0] == searched["LONGER"]
    assert fewest_steps(library, made, 1, limit=60, most=1 << 10)[0] == searched["NO_ROOM"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_table_of_optima_holds_for_level_six(tmp_path: Path) -> None:
    searched = runpy.run_path(str(BENCHMARK))
    library, made = searched["compiled"](tmp_path), orders.order(6, 0)
    for counters in (1, 2, 3):
        found = searched["fewest_steps"](library, made, counters, limit=60, most=1 << 20)[0]
        assert found == optimum.STEPS[6, made.heat, counters]


@pytest.mark.slow
def test_the_table_of_optima_holds_for_what_takes_longer_to_search() -> None:
    made = orders.order(4, 1)
    assert optimum.fewest_steps(orders.kitchen(made, 3), made) == optimum.STEPS[4, made.heat, 3]


@pytest.mark.parametrize("level", orders.LEVELS)
def test_flawless_partners_serve_every_level_in_every_condition(level: int) -> None:
    for condition in ("team", "solo", "shared", "protocol:plan", "with:partner"):
        episode = play_episode(Kitchen(level=level), ["partner"], condition, seed=level).episode
        assert episode.success, condition
        assert optimum.known(orders.order(level, level), 3) <= episode.metrics["steps"]


@pytest.mark.parametrize("counters", [1, 2])
@pytest.mark.parametrize("level", [5, 6])
def test_flawless_partners_do_with_fewer_counters(level: int, counters: int) -> None:
    for seed in (0, 2):  # in the second, a raw ingredient of level 6 is asked for after the sliced one
        episode = play_episode(Kitchen(level=level, counters=counters), ["partner"], seed=seed).episode
        assert episode.success
        assert optimum.known(orders.order(level, seed), counters) <= episode.metrics["steps"]


@pytest.mark.parametrize(
    ("layout", "least"),
    [
        ("cramped_room", 3),
        ("asymmetric_advantages", 3),
        ("coordination_ring", 3),  # the library's greedy pair: none
        ("forced_coordination", 3),  # the library's greedy pair: none
        ("counter_circuit", 2),
    ],
)
def test_flawless_partners_cook_soups_on_every_layout(layout: Any, least: int) -> None:
    episode = play_episode(Kitchen(kind="soups", layout=layout), ["partner"]).episode
    assert least <= episode.metrics["soups"] <= episode.metrics["bound"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"pickup({RAW}, pantry)", f"pickup({RAW}, pantry)"),
        (f"Pick up a {RAW} from the ingredient dispenser.", f"pickup({RAW}, pantry)"),
        (f"pickup({RAW}_slices, chopping_board0)", f"pickup({RAW} slices, board)"),
        (f"**grab** the sliced {RAW} from the board", f"pickup({RAW} slices, board)"),
        (f"take `{RAW}s` from 'pantry'", f"pickup({RAW}, pantry)"),
        ("take a plate from the dish rack", "pickup(dish, dishes)"),
        ("put_obj_in_utensil(pot0)", "put(pot)"),
        ("place_obj_on_counter()", "put(counter)"),
        (f"Put the mashed {RAW} in the oven", f"put(mashed {RAW}, oven)"),
        ("put(counter2)", "put(counter2)"),
        ("cut(chopping_board0)", "start(board)"),
        ("stir(blender0)", "start(blender)"),
        ("Start the oven!", "start(oven)"),
        ("fill_dish_with_food(oven0)", "fill(oven)"),
        ("fill the dish with the stew from the oven", "fill(oven)"),
        ("deliver_soup()", "serve()"),
        ("wait", "wait(1)"),
        ("wait for 5 steps", "wait(5)"),
        ("move left", "move(west)"),
        ("step aside to the north", "move(north)"),
    ],
)
def test_an_action_is_read_however_it_is_put(text: str, read: str) -> None:
    got = words.macro(HERE, text)
    assert str(got.value) == read, got.why
    assert got.value is not None
    assert words.macro(HERE, str(got.value)).value == got.value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("dance", "no action of this kitchen"),
        (f"pickup({RAW}, pantry); put(counter)", "more than one action"),
        (f"take the {RAW} and put it on the counter", "more than one action"),
        ("pickup(counter)", "does not say what to pick up"),
        ("wait(21)", "1 to 20"),
        ("go to the pot", "no direction"),
        (f"don't pick up the {RAW}", "no action of this kitchen"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, why: str) -> None:
    got = words.macro(HERE, text)
    assert got.value is None
    assert why in str(got.why)


@pytest.mark.parametrize(
    "reply",
    [
        f"ACTION: pickup({RAW}, pantry)",
        f"I think we need it.\n\n**Action:** `pickup({RAW}, pantry)`",
        f'{{"action": "pickup({RAW}, pantry)", "message": "on my way"}}',
        f'{{"action": "pickup", "item": "{RAW}", "place": "pantry"}}',
        f'```json\n{{"action": {{"verb": "pickup", "item": "{RAW}", "from": "pantry"}}}}\n```',
        f"pickup({RAW}, ingredient_dispenser)",
        f"<think>or pickup(dish, dishes)?</think>\nAction: Pick up one {RAW} at the pantry",
    ],
)
def test_a_reply_is_read_in_any_form(reply: str) -> None:
    game = FAMILY.deal(Kitchen(level=5), 0, Condition.parse("team"))
    assert game.parse("b", Reply(reply)).action == f"pickup({RAW}, pantry)"


def test_an_answer_that_cannot_be_read_is_told_with_the_grammar_and_an_example() -> None:
    prompts = []

    class Odd(Says):
        async def reply(self, request: Request) -> Reply:
            prompts.append(request.text)
            return Reply("I ponder the nature of soup.")

    play_episode(Kitchen(level=1), [Odd(""), "partner"])
    assert "could be read" not in prompts[0]
    assert "You stood still for a step." in prompts[1]
    assert "ACTION: pickup(" in prompts[1]
    assert "put(place)" in prompts[1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"Please bring me 1 {RAW}.", [RAW]),
        (f"I need {RAW} slices and a dish.", [f"{RAW} slices", "dish"]),
        (f"Cut the {RAW} and put the slices on the counter.", [f"{RAW} slices"]),
        (f"Could you chop a {RAW} for me?", [f"{RAW} slices"]),
        (f"Blend the boiled {RAW} slices, please.", [f"mashed {RAW}"]),
        (f"I will put the {RAW} in the pot.", []),
        (f"We do not need any {RAW}.", []),
        (f"Is there {RAW} in the pantry?", []),
        (f"1. {RAW}, cut into slices\n2. a plate", [f"{RAW} slices", "dish"]),
    ],
)
def test_plain_words_say_what_is_asked_for(text: str, wanted: list[str]) -> None:
    assert talk.wanted(HERE, text) == wanted


def test_promises_and_claims_are_read_from_plain_words() -> None:
    assert [item for item, _ in talk.promised(HERE, f"I'll fetch the {RAW} now.")] == [RAW]
    assert not talk.promised(HERE, f"If you like I will fetch the {RAW}.")
    assert not talk.promised(HERE, f"Will I fetch the {RAW}?")
    assert [claim.item for claim in talk.claimed(HERE, f"The {RAW} is on the counter.")] == [RAW]
    assert [claim.item for claim in talk.claimed(HERE, f"I put the {RAW} slices on counter 2.")] == [f"{RAW} slices"]
    assert not talk.claimed(HERE, f"Please put the {RAW} on the counter.")
    assert not talk.claimed(HERE, f"The {RAW} is not on the counter.")


def test_who_only_waits_is_asked_as_soon_as_somebody_speaks() -> None:
    asked = []

    class Waits(Says):
        async def reply(self, request: Request) -> Reply:
            asked.append(request.view["scene"].state.time)
            return Reply("ACTION: wait(20)")

    play_episode(Kitchen(level=3), ["partner", Waits("")])
    assert asked[:2] == [0, 1]


def test_an_action_that_cannot_go_on_comes_back_after_three_steps_with_the_reason() -> None:
    prompts = []

    class Hopes(Says):
        async def reply(self, request: Request) -> Reply:
            prompts.append((request.view["scene"].state.time, request.text))
            return Reply(f"ACTION: pickup({orders.order(1, 0).ingredients[0]}, counter)")

    play_episode(Kitchen(level=1), [Hopes(""), "nop"])
    assert prompts[1][0] <= 5
    assert "was given up: there is no" in prompts[1][1]


def test_one_step_and_slices_are_told_as_they_are_said() -> None:
    assert orders.order(6, 0).name == "Orchard patty"
    played = [play_episode(Kitchen(level=level), ["partner"]).transcript for level in (2, 6)]
    told = "\n".join(event.data["text"] for one in played for kind in ("brief", "prompt") for event in one.of(kind))
    assert "with an Orchard patty in the hands" in told
    assert "ready in 2 steps" in told
    assert "ready in 1 step\n" in told
    assert "after 3 steps that gives " in told
    assert "1 steps" not in told
    assert f"1 {orders.order(2, 0).ingredients[0]} slices" not in told


def test_nobody_but_the_chef_is_told_the_recipe() -> None:
    made = orders.order(4, 3)
    game = FAMILY.deal(Kitchen(level=4), 3, Condition.parse("team"))
    assert all(line in game.brief("a") for line in orders.lines(made))
    assert "THE RECIPE" not in game.brief("b")
    assert game.prompt("b", ()).view["order"] is None
    for text in ("shared", "solo"):
        other = FAMILY.deal(Kitchen(level=4), 3, Condition.parse(text))
        assert "THE RECIPE" in other.brief(other.seats[-1])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": "soups", "level": 3}, "belongs to `kind: orders`"),
        ({"kind": "orders", "layout": "coordination_ring"}, "belongs to `kind: soups`"),
        ({"kind": "soups", "target": 99}, "at most"),
        ({"level": 7}, "level"),
        ({"kind": "soup"}, "kind"),
    ],
)
def test_a_kitchen_that_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        Kitchen(**wrong)


def test_shared_is_refused_where_it_would_be_team_again() -> None:
    assert "would be `team` again" in str(FAMILY.refuses(Condition.parse("shared"), Kitchen(kind="soups")))


ASSISTANT = {
    "deaf": {"unresponsive"},
    "nop": {"unresponsive"},
    "free_rider": {"unresponsive"},
    "stubborn": {"ungrounded"},
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment"},
    "hoarder": {"withholding"},
    "blocker": {"deadlock"},
}
CHEF = {
    "silent": {"withholding"},
    "vague": {"vague"},
    "stubborn": {"divergent_design"},
    "confabulator": {"false_claim"},
    "promise_breaker": {"broken_commitment"},
    "hoarder": {"own_part_failed"},
    "blocker": {"own_part_failed"},
}
SOUPS = {
    ("coordination_ring", 0): {"blocker": {"deadlock"}},
    ("coordination_ring", 1): {"blocker": {"deadlock"}},
    ("cramped_room", 0): {"blocker": {"deadlock"}},
    ("cramped_room", 1): {"blocker": {"deadlock"}},
    ("forced_coordination", 0): {"hoarder": {"withholding"}, "nop": {"unresponsive"}},
    ("forced_coordination", 1): {"hoarder": {"own_part_failed"}, "nop": {"unresponsive"}},
}


def planted(params: Kitchen, name: str, at: int, seed: int) -> Played:
    return play_episode(params, [name, "partner"] if at == 0 else ["partner", name], seed=seed)


@pytest.mark.slow
def test_a_planted_fault_comes_back_under_its_own_name_at_its_own_seat() -> None:
    cases = [
        (Kitchen(level=level), name, at, seed, codes)
        for at, cast in ((0, CHEF), (1, ASSISTANT))
        for name, codes in cast.items()
        for level, seed in ((1, 0), (3, 1), (4, 2), (5, 3))
    ]
    cases += [
        (Kitchen(kind="soups", layout=layout, steps=100), name, at, 0, codes)
        for (layout, at), cast in SOUPS.items()
        for name, codes in cast.items()
    ]
    missed, innocent, failed = [], [], 0
    for params, name, at, seed, codes in cases:
        episode = planted(params, name, at, seed).episode
        if episode.success:
            continue
        failed += 1
        seat = "ab"[at]
        found = [(failure.code, failure.seats) for failure in episode.failures]
        if any(set(seats) - {seat} for _, seats in found):
            innocent.append((params, name, seat, found))
        if not any(code in codes and seats == (seat,) for code, seats in found):
            missed.append((params, name, seat, found))
    assert failed >= 55
    assert not innocent
    assert len(missed) <= 0.05 * failed, missed


def test_who_is_never_told_anything_under_mute_is_not_blamed() -> None:
    episode = play_episode(Kitchen(level=2), ["partner"], "mute").episode
    assert (episode.outcome, episode.failures[0].code) == (Outcome.COORDINATION, "undelivered")


def test_a_team_that_is_merely_slow_is_blamed_for_nothing() -> None:
    episode = play_episode(Kitchen(level=1, deadline=1), ["partner"]).episode
    assert [(failure.code, failure.seats, failure.ungraded) for failure in episode.failures] == [
        ("turn_limit", (), True)
    ]
    assert episode.outcome is Outcome.LIMIT


def test_spoiling_what_nobody_can_use_costs_what_is_in_the_utensil() -> None:
    state = rules.initial(HERE)
    pot = next(cell for cell in HERE.utensils if HERE.kind(cell) == "pot")
    state = rules.State((state.at[0], state.at[1]), (0, 0), ("mashed " + RAW, ""), state.lying, state.loads)
    state = rules.step(HERE, state, [rules.Act(plan.INTERACT), rules.Act()])
    assert state.load(HERE, pot).items == ("mashed " + RAW,)
    state = rules.step(HERE, state, [rules.Act(plan.START), rules.Act()])
    assert state.load(HERE, pot).items == ()
    assert state.lost == 1


@pytest.mark.slow
def test_the_family_keeps_every_promise() -> None:
    check_family(
        FAMILY, [Kitchen(level=1), Kitchen(kind="soups", layout="forced_coordination", steps=40)], seeds=(0,)
    )


def test_a_program_on_the_assistants_seat_finds_no_recipe_in_what_it_is_shown() -> None:
    made = orders.order(4, 3)
    game = FAMILY.deal(Kitchen(level=4), 3, Condition.parse("team"))
    shown = json.dumps(dict(game.prompt("b", ()).view), default=str)
    assert made.stages[-1].inputs not in {recipe.inputs for recipe in game.prompt("b", ()).view["kitchen"].recipes}
    assert not any(line in shown for line in orders.lines(made))
    assert "Recipe(" not in shown
    assert all(line in json.dumps(game.prompt("a", ()).view["recipe"]) for line in orders.lines(made))


def test_all_reference_lists_of_the_study_serve_within_its_optimum() -> None:
    checkout = os.environ.get("COLLAB_OVERCOOKED", "")
    if not checkout:
        pytest.skip(
            "no checkout: git clone https://github.com/YusaeMeow/Collab-Overcooked, set COLLAB_OVERCOOKED to it"
        )
    found = list(collab_overcooked.orders(Path(checkout)))
    assert len(found) == 30
    for name, most, kitchen, lists in found:
        steps = [collab_overcooked.steps_of(kitchen, one) for one in lists]
        assert all(one is not None and one <= most for one in steps), (name, most, steps)

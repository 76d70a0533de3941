"""Words that are not their speaker's own bind nobody: quotations, reports, suppositions, in each family."""

from __future__ import annotations

import pytest

from pytest_collab.families.coding.evidence import claims as coding
from pytest_collab.families.hanabi import talk as hanabi
from pytest_collab.families.kitchen import orders
from pytest_collab.families.kitchen import talk as kitchen
from pytest_collab.families.network.words import facts

NAMES = frozenset(("Dora", "Emil", "Fay"))
ORDER = orders.order(5, 0)
HERE = orders.kitchen(ORDER, 3)
RAW = ORDER.ingredients[0]


@pytest.mark.parametrize(
    "text",
    [
        "b said c's card 2 is red.",
        "c claims b's card 2 is red; it's blue.",
        "I thought b's card 2 is red.",
        'You wrote "b\'s card 2 is red".',
        "> b's card 2 is red",
        "I wish b's card 2 was red.",
        "b's card 2 would be red then.",
    ],
)
def test_in_hanabi_only_what_a_player_says_itself_is_its_claim(text: str) -> None:
    assert not hanabi.claims(text, "a", ("a", "b", "c"))
    assert hanabi.claims("b's card 2 is red.", "a", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('Emil wrote: "My number is 500."', "sum"),
        ("Emil says my number is 500.", "sum"),
        ("> My number is 500.\nThanks, Emil!", "sum"),
        ("I have 2 neighbours: Emil and Fay.", "sum"),
        ("I got 3 replies.", "sum"),
        ("Emil said: I'll answer 5.", "consensus"),
        ('Emil wrote "I am the leader".', "leader"),
        ("Emil told me: my color is 2.", "colouring"),
    ],
)
def test_in_a_network_what_others_wrote_is_no_word_of_who_passes_it_on(text: str, kind: str) -> None:
    assert not [fact for fact in facts(text, "Dora", kind, NAMES) if fact.about == "Dora"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("My number is 123.", "sum", 123),
        ("I have 123.", "sum", 123),
        ("I'll answer 5.", "consensus", 5),
        ("My color is 2.", "colouring", 2),
    ],
)
def test_in_a_network_ones_own_words_are_read(text: str, kind: str, value: int) -> None:
    assert [fact.value for fact in facts(text, "Dora", kind, NAMES)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        f"b said: I'll fetch the {RAW}.",
        f'You wrote "I will fetch the {RAW}".',
        f"> I'll fetch the {RAW}",
        f"I'll wait for the {RAW}.",
        f"I'll let you fetch the {RAW}.",
        f"b said the {RAW} is on the counter.",
        f"I thought the {RAW} is on the counter.",
        f"I took the {RAW} that is on the counter.",
    ],
)
def test_in_a_kitchen_nobody_is_held_to_the_words_of_others(text: str) -> None:
    assert not kitchen.promised(HERE, text)
    assert not kitchen.claimed(HERE, text)


@pytest.mark.parametrize(
    "text",
    [
        f"Thank you for bringing the {RAW}.",
        f"Forget the {RAW}.",
        f"The {RAW} is done.",
        f"b asked me: bring the {RAW}.",
        f"You brought me the {RAW}.",
    ],
)
def test_in_a_kitchen_thanks_and_reports_ask_for_nothing(text: str) -> None:
    assert not kitchen.wanted(HERE, text)


@pytest.mark.parametrize(
    "text",
    [
        "b said: I have changed src/app.py.",
        "I thought I changed src/app.py.",
        "I'm not sure I changed src/app.py.",
        "I never said that I changed src/app.py.",
        "I changed my mind about src/app.py.",
        "The task says I will edit src/app.py.",
        "> I will edit src/app.py\nFine with me.",
        "I completed my review of src/app.py.",
        "I moved on from src/app.py.",
        "I made sure that src/app.py is unchanged.",
    ],
)
def test_in_code_what_is_no_word_of_ones_own_work_claims_nothing(text: str) -> None:
    assert not coding.read("a", 0, text)


CHANGED = coding.Change((coding.Region("src/app.py", 3, 9, ("run",)),))
FILES = ("src/app.py", "src/b.py", "README.md")


def lies(change: coding.Change, *texts: str) -> list[str]:
    claims = [claim for event, text in enumerate(texts) for claim in coding.read("a", event, text)]
    return [str(lie.target) for lie in coding.lies(claims, change, FILES)]


@pytest.mark.parametrize(
    "texts",
    [
        ("I won't change anything but src/app.py.",),
        ("I will change src/app.py, not in src/b.py.",),
        ("I updated src/app.py to describe README.md.",),
        ("I changed src/app.py after reading README.md.",),
        ("I changed src/b.py.", "I reverted my change to src/b.py."),
        ("I changed src/b.py and then undid it.",),
        ("I put nothing into src/b.py.",),
    ],
)
def test_in_code_who_did_as_it_said_is_not_called_a_liar(texts: tuple[str, ...]) -> None:
    assert not lies(CHANGED, *texts)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("I won't change anything but README.md.", "README.md"),
        ("I will change everything except src/app.py.", "src/app.py"),
        ("I changed src/b.py.", "src/b.py"),
        ("I put nothing into src/app.py.", "src/app.py"),
    ],
)
def test_in_code_who_did_otherwise_than_it_said_is(text: str, target: str) -> None:
    assert lies(CHANGED, text) == [target]

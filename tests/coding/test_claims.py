"""Statements about who does what: read from plain English, and held against the tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_collab.families.coding.evidence.claims import Change, Region, lies, read

FILES = ("src/shop.py", "src/cart.py", "src/errors.py", "tests/test_shop.py", "README.md")
CHANGE = Change((Region("src/shop.py", 10, 20, ("Shop", "total")),), "    def discount(self):\n        return 3\n")


def kinds(text: str) -> list[tuple[str, str]]:
    return [(claim.kind, str(target)) for claim in read("a", 1, text) for target in claim.targets]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I will edit src/shop.py.", [("will", "src/shop.py")]),
        ("I'll put it in `discount` in src/shop.py", [("will", "`discount` in src/shop.py")]),
        ("I'm going to change lines 10-20 of src/shop.py", [("will", "src/shop.py lines 10-20")]),
        ("I won't touch src/cart.py.", [("leave", "src/cart.py")]),
        ("I will not modify src/cart.py:3-9.", [("leave", "src/cart.py lines 3-9")]),
        ("I’ll leave src/cart.py alone", [("leave", "src/cart.py")]),
        ("I am staying out of src/cart.py and README.md.", [("leave", "src/cart.py"), ("leave", "README.md")]),
        ("I promise not to change errors.py", [("leave", "errors.py")]),
        ("I have not touched src/cart.py.", [("left", "src/cart.py")]),
        ("I haven't changed `total()`.", [("left", "`total`")]),
        ("I did not edit src/cart.py", [("left", "src/cart.py")]),
        ("I've implemented `discount` in src/shop.py.", [("done", "`discount` in src/shop.py")]),
        ("Done: added `discount` to src/shop.py", [("done", "`discount` in src/shop.py")]),
        ("I will only change src/shop.py.", [("only", "src/shop.py")]),
        ("I am only editing src/shop.py", [("only", "src/shop.py")]),
        ("I will edit src/shop.py but I won't touch src/cart.py",
         [("will", "src/shop.py"), ("leave", "src/cart.py")]),
        ("Should I edit src/shop.py?", []),
        ("If you like, I'll edit src/shop.py", []),
        ("You will not touch src/shop.py, right?", []),
        ("Please leave src/shop.py alone.", []),
        ("Could you leave src/shop.py alone", []),
        ("I might edit src/shop.py", []),
        ("I think src/shop.py is hard to read", []),
        ("src/shop.py has 40 lines", []),
        ("I'll look at src/shop.py", []),
        ("```\nI will edit src/shop.py\n```", []),
        ("I am not sure about src/shop.py", []),
        ("I will do my best", []),
    ],
)  # fmt: skip
def test_only_the_speakers_own_checkable_statements_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("messages", "codes"),
    [
        (["I will edit src/shop.py."], []),
        (["I will edit src/cart.py."], ["broken_commitment"]),
        (["I'll only touch src/shop.py."], []),
        (["I'll only touch src/cart.py."], ["broken_commitment"]),
        (["I won't touch src/shop.py."], ["broken_commitment"]),
        (["I won't touch lines 30-40 of src/shop.py."], []),
        (["I won't touch lines 15-40 of src/shop.py."], ["broken_commitment"]),
        (["I won't change `total()`."], ["broken_commitment"]),
        (["I won't change `discount()`."], []),
        (["I have not touched shop.py."], ["false_claim"]),
        (["I have added `discount` to src/shop.py."], []),
        (["I have added `coupon` to src/shop.py."], ["false_claim"]),
        (["I have updated README.md."], ["false_claim"]),
        (["I won't touch src/shop.py.", "Change of plan: I will edit src/shop.py after all."], []),
        (["I won't touch nowhere.py."], []),
    ],
)
def test_claims_are_held_against_the_tree(messages: list[str], codes: list[str]) -> None:
    claims = [claim for seq, text in enumerate(messages) for claim in read("a", seq, text)]
    assert [lie.code for lie in lies(claims, CHANGE, FILES)] == codes


def test_a_lie_says_which_message_and_what_the_tree_holds() -> None:
    (lie,) = lies(read("b", 7, "I will leave src/shop.py alone."), CHANGE, FILES)
    assert (lie.claim.seat, lie.claim.event) == ("b", 7)
    assert lie.why == "its tree changes src/shop.py lines 10-20"


@given(st.text(alphabet=st.sampled_from("I will'not touch src/shop.py `x()` lines 1-2?!.\n,;"), max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    lies(read("a", 0, text), CHANGE, FILES)

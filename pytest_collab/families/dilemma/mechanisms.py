"""What players are told of the mechanism under which they meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pytest_collab.families.dilemma.games import Payoffs

if TYPE_CHECKING:
    from pytest_collab.families.dilemma.params import Dilemma

_ELECTED: Final = (
    "All say of which designs they approve; the one with the most approvals is taken, by lot among equals."
)


def told(params: Dilemma, payoffs: Payoffs, shown: Mapping[str, str], delegate: str) -> list[str]:
    """The mechanism in words.

    Args:
        shown: what actions are called, `delegate` among them.
    """
    percent, published = f"{params.continuation:.0%}", params.prompts == "as_published"
    weighs = " and may weigh with what they choose" * published
    return {
        "none": ["You play it once."],
        "repetition": [
            f"You play it again and again with the same. After each round, another follows with {percent}."
            + f" What you choose is shown to them in later rounds{weighs}." * published
        ],
        "reputation": [
            f"You play it again and again, each time with others, drawn at random. After each round, another "
            f"follows with {percent}. What you choose is shown to those whom you meet later{weighs}."
        ],
        "choice": [
            f"You play it again and again. After each round, another follows with {percent}. Before each, you are "
            "shown what all have done, and everyone names whom it would play with, whoever it would rather have "
            "first. Only two who have named each other play together. Who plays with nobody gets "
            f"{payoffs.apart[0]:g} that round: what two get who both choose {shown[payoffs.tempt]}."
        ],
        "mediation": [
            "You play it once. Before, everyone designs a mediator, which plays for all who delegate to it, the "
            f"same action for each, by how many they are. {_ELECTED} Then each chooses an action, or "
            f"{shown[delegate]}{': to delegate' * published}."
        ],
        "contract": [
            "You play it once. Before, everyone designs a contract: for each action, how many points the one who "
            f"plays it is paid by the others in equal parts (negative: pays to them). {_ELECTED} It binds if all "
            "sign it."
        ],
    }[params.mechanism]

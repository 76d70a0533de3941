"""What a failure code means, in words for the people who build the agent at fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ADVICE: Final[Mapping[str, str]] = {
    "unresponsive": "does not answer what its partners ask or tell it",
    "vague": "speaks in terms that its partner cannot act on",
    "repetition": "says the same again instead of moving on",
    "malformed_message": "writes messages that nobody can read",
    "undelivered": "relies on messages that did not arrive",
    "broken_commitment": "promises one thing and does another",
    "false_claim": "states as done or seen what is not so",
    "unverified_claim": "states as a fact what it could not know",
    "rubber_stamp": "vouches for what it has not checked",
    "ungrounded": "acts before both sides mean the same by their words",
    "disagreement": "ends without an agreement, or with two different ones",
    "merge_conflict": "changes the same lines as its partner",
    "work_overlap": "does the work that was its partner's",
    "divergent_design": "builds on another design than its partner",
    "deadlock": "waits for what its partners hold while holding what they wait for",
    "starvation": "takes part in a distribution in which somebody gets too little",
    "withholding": "keeps back what its partners need and it could give for nothing",
    "free_riding": "lets the others do its share",
    "collapse": "uses up what everybody lives on",
    "illegal_move": "makes moves that the rules do not allow",
    "wrong_solution": "hands in a solution that is wrong",
    "own_part_failed": "fails at its own part of the job",
    "malformed_action": "answers with actions that nobody can read",
    "gamed_tests": "makes tests pass without doing what they ask for",
    "refused": "refuses, or is stopped by its provider's filter; no evidence about how it works with others",
    "cut_off": "is cut off at its length limit: raise max_tokens, or ask for less reasoning",
    "turn_limit": "is not done when the turns are used up",
    "token_limit": "uses more tokens than allowed",
    "time_limit": "takes longer than allowed",
    "cost_limit": "costs more than allowed",
    "provider_error": "the model's provider failed; no evidence about the agent",
    "sandbox_error": "the sandbox failed; no evidence about the agent",
    "setup_error": "the set-up failed; no evidence about the agent",
    "worker_lost": "the process that played it was killed; no evidence about the agent",
}
"""Code -> what an agent with this failure does, to be read after its name."""


def advice(code: str) -> str:
    """What an agent with this failure does; the code itself where it is not known here."""
    return ADVICE.get(code, code.replace("_", " "))

"""The table of faults: what a status and the words of an error mean. First match wins; docs/faults.md shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["retry", "slow_down", "overflow", "shorten", "filter", "fatal"]

KINDS: Final = {
    "retry": "the same call is made again, after a growing pause; when no attempt helps, infrastructure error",
    "slow_down": "every call to the account pauses, in all workers; then the same call again",
    "shorten": "the same call is made again at once, with a shorter answer asked for",
    "overflow": "the oldest exchanges are left out and the call is made again; "
    "`token_limit` only where nothing more can be left out",
    "filter": "the agent's own: `Reply.stop` is `filter`, the code is `refused`",
    "fatal": "infrastructure error at once",
}
"""What each kind of fault leads to."""

RETRIED: Final = frozenset({408, 409, 424, 425, 429, 498, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses after which the same call may well succeed."""

ANY: Final[frozenset[int]] = frozenset()
CLIENT: Final = frozenset(range(400, 500))
REFUSING: Final = frozenset({400, 403, 413, 422})


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    Attributes:
        what: the fault, for people.
        kind: what it leads to.
        statuses: HTTP statuses that it comes with; empty for any, connection failures included.
        says: what the error's message or code says; None for anything.
        lasting: no later call of this agent will fare better.
        remedy: a sentence for the user, where there is something to do.
    """

    what: str
    kind: Kind
    statuses: frozenset[int] = ANY
    says: re.Pattern[str] | None = None
    lasting: bool = False
    remedy: str = ""

    def fits(self, status: int | None, text: str) -> bool:
        """Does the rule speak of this error? `text` is its code and message."""
        if self.statuses and status not in self.statuses:
            return False
        return self.says is None or bool(self.says.search(text))


def _says(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


TOO_LARGE_AT_ONCE: Final = re.compile(
    r"request too large|limit:?\s*(\d[\d,]*)[^\d\n]{0,20}(?:used:?\s*\d[\d,]*[^\d\n]{0,20})?requested:?\s*(\d[\d,]*)",
    re.IGNORECASE,
)
"""A single request above what a minute allows: waiting never helps."""

WRONG_KEY: Final = _says(
    r"(?:api[ _-]?key|access token)[^.\n]{0,40}(?:not valid|invalid|expired|revoked|disabled)",
    r"(?:invalid|incorrect|expired|revoked) api[ _-]?key",
)
"""A key that is wrong, whatever the status: some servers say so with 400."""

RULES: Final = (
    Rule(
        "a certificate that cannot be verified",
        "fatal",
        says=_says(r"certificate_verify_failed", r"certificate verify failed", r"self[- ]signed certificate"),
        lasting=True,
        remedy="Name the authority that signed it in SSL_CERT_FILE.",
    ),
    Rule(
        "https to a server without it",
        "fatal",
        says=_says(r"wrong[_ ]version[_ ]number", r"record[_ ]layer[_ ]failure"),
        lasting=True,
        remedy="The server does not speak TLS: write http:// in `base_url`, or check its port.",
    ),
    Rule(
        "no credit, a quota of zero, a bill that is not paid",
        "fatal",
        says=_says(
            r"insufficient[_ ](?:quota|credits?|balance|funds)",
            r"exceeded your current quota(?![\s\S]*(?:retry|try again) in)",
            r"exceeded your current quota[\s\S]*limit: 0\b",
            r"quota exceeded[\s\S]*limit: 0\b",
            r"credit balance is too low",
            r"billing_(?:hard_limit|not_active|error)",
            r"payment required",
            r"requires more credits",
            r"out of credits",
            r"(?:no|any|all)[a-z ]{0,20} credits\b",
            r"included credits",
            r"(?:spend(?:ing)?|usage|billing) limits?\b(?![\s\S]*(?:retry|try again) in)",
            r"exceeded_current_quota",
            r"\barrear",
            r"account is (?:suspended|deactivated|disabled)",
        ),
        lasting=True,
        remedy="The account has no credit left, or the model is not part of its plan.",
    ),
    Rule("402", "fatal", frozenset({402}), lasting=True, remedy="The account has no credit left."),
    Rule(
        "the quota of a day is used up, and no time is named to come back",
        "fatal",
        frozenset({403, 429}),
        _says(
            r"free-models-per-day",
            r"(?:per[ _-]?day|perday|daily)(?![\s\S]*(?:retry|try again) in)",
        ),
        lasting=True,
        remedy="Go on when the day is over: --collab-resume.",
    ),
    Rule(
        "one request larger than a minute's allowance",
        "fatal",
        frozenset({413, 429}),
        _says(r"request too large", r"exceeds the (?:rate|per-minute) limit"),
        remedy="Raise the account's limit, or lower context_tokens and max_tokens.",
    ),
    Rule(
        "a rate limit that comes with another status",
        "slow_down",
        frozenset({400, 403}),
        _says(r"rate[ _-]?limit[ _-]?(?:is |was )?(?:exceeded|reached|hit)", r"too many requests", r"throttl"),
    ),
    Rule("429, 529, or an error called overloaded", "slow_down", frozenset({429, 529})),
    Rule(
        "the answer that was asked for does not fit beside the conversation, or is longer than the model's longest",
        "shorten",
        frozenset({400, 413, 422, 500}),
        _says(
            r"max_(?:completion_|output_|new_)?tokens[\s\S]*"
            r"(?:too large|exceed|maximum|at most|must be less|valid range)",
            r"requested[\s\S]*(?:in|for) the (?:completion|output)",
            r"input length and `?max_tokens",
            r"`max_new_tokens` must be",
        ),
    ),
    Rule(
        "the conversation does not fit the model's context",
        "overflow",
        frozenset({400, 413, 422, 403, 500}),
        _says(
            r"prompt is too long",
            r"context.{0,3}length",
            r"context.{0,3}window",
            r"context limit",
            r"maximum context",
            r"exceed(?:s|_|ed)? ?(?:the )?(?:available )?context",
            r"too many (?:input )?tokens",
            r"input is too long",
            r"maximum (?:model|allowed token) length",
            r"maximum number of (?:input )?tokens",
            r"maximum prompt length",
            r"exceed(?:s|ed)? (?:the )?model(?:'s)? token limit",
            r"range of input length",
            r"(?:prompt|input) exceeds (?:the )?max(?:imum)? length",
        ),
    ),
    Rule(
        "a content filter, or a policy",
        "filter",
        frozenset({400, 403, 413, 422}),
        _says(
            r"content[_ ]?(?:filter|policy)",
            r"content management policy",
            r"\b(?:bio|cyber|usage|safety|misalignment|acceptable_use)_policy",
            r"misalignment_policy",
            r"violat[a-z]*[^.\n]{0,30} (?:usage|content|safety|acceptable use) (?:polic|guideline)",
            r"content violates",
            r"safety system",
            r"moderation_blocked",
            r"content exists risk",
            r"inappropriate content",
            r"data_?inspection_?failed",
            r"prohibited_content",
            r"invalid_prompt",
            r"responsible ?ai ?policy",
            r"(?:input|prompt|request) was flagged",
            r"flagged[\s\S]*moderation",
            r"moderation[\s\S]*flagged",
        ),
    ),
    Rule(
        "a chat template without a system role",
        "fatal",
        says=_says(
            r"system role (?:is )?not supported",
            r"(?:system|developer) (?:messages?|prompts?|instructions?) (?:is|are) not (?:supported|enabled|allowed)",
            r"not support (?:the )?(?:system|developer) (?:role|messages?|prompts?|instructions?)",
        ),
        lasting=True,
        remedy="Set `system_role: user` for this agent.",
    ),
    Rule(
        "a chat template that wants roles in strict turns",
        "fatal",
        says=_says(
            r"roles must alternate", r"unexpected role", r"conversation roles", r"after the optional system message"
        ),
        remedy="The server's chat template refuses this order of messages.",
    ),
    Rule(
        "the key of the token limit has another name there",
        "fatal",
        frozenset({400, 422}),
        _says(
            r"use '?max_completion_tokens'? instead", r"unsupported parameter[\s\S]{0,20}max_(?:completion_)?tokens"
        ),
        lasting=True,
        remedy="Set `token_limit_key` for this agent: max_completion_tokens, max_tokens or none.",
    ),
    Rule(
        "a model that is not there, or no longer",
        "fatal",
        frozenset({400, 403, 404, 410}),
        _says(
            r"model[\s\S]{0,60}(?:not found|does not exist|not exist|not a valid model)",
            r"invalid model",
            r"unknown model",
            r"deploymentnotfound",
            r"model[\s\S]{0,60}(?:decommissioned|deprecated|no longer (?:available|supported)|retired)",
        ),
        lasting=True,
    ),
    Rule("a key that is wrong, told with 400", "fatal", frozenset({400}), WRONG_KEY, lasting=True),
    Rule("401, 403: a key that is wrong, or may not", "fatal", frozenset({401, 403}), lasting=True),
    Rule("404: a wrong address or model", "fatal", frozenset({404, 405}), lasting=True),
    Rule("408, 409, 424, 425, 498, 499, 5xx", "retry", RETRIED | frozenset(range(500, 600))),
    Rule("any other 4xx, a gateway's 413 included", "fatal", CLIENT),
    Rule("no status: a connection refused or broken, no answer in time", "retry"),
)
"""In this order. `lasting` ones count towards giving an agent up."""

"""What the words and statuses of servers mean; no network. The table in the docs is the one in the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_collab.agents.error_body import read_error
from pytest_collab.agents.fault_rules import KINDS, RULES
from pytest_collab.agents.retry import classify, classify_body, delay_in
from pytest_collab.agents.room import Room, room_in
from pytest_collab.agents.thinking import apart

VLLM_NEW = (
    "'max_tokens' or 'max_completion_tokens' is too large: 16000. This model's maximum context length is 8192 tokens "
    "and your request has 412 input tokens (16000 > 8192 - 412)."
)
VLLM_OLD = (
    "This model's maximum context length is 8192 tokens. However, you requested 16412 tokens (412 in the messages, "
    "16000 in the completion). Please reduce the length of the messages or completion."
)
GROQ = (
    "Request too large for model `m` in organization `o` service tier `on_demand` on tokens per minute (TPM): "
    "Limit 6000, Requested 16900, please reduce your message size and try again."
)
GEMINI_NONE = (
    "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: "
    "generate_content_free_tier_requests, limit: 0, model: gemini-2.5-pro Please retry in 33.1s."
)
GEMINI_MINUTE = GEMINI_NONE.replace("limit: 0", "limit: 10")
QUOTA = "You exceeded your current quota, please check your plan and billing details."
DAY = (
    "Rate limit reached for m on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s."
)


@pytest.mark.parametrize(
    ("status", "message", "code", "kind", "lasting"),
    [
        (400, VLLM_NEW, "", "shorten", False),
        (400, VLLM_OLD, "BadRequestError", "shorten", False),
        (400, VLLM_OLD.replace("412 in", "9012 in"), "", "overflow", False),
        (400, "input length and `max_tokens` exceed context limit: 190000 + 16000 > 200000", "", "shorten", False),
        (400, "max_tokens: 16000 > 8192, which is the maximum allowed number of output tokens", "", "shorten", False),
        (
            400,
            "max_tokens is too large: 16000. This model supports at most 4096 completion tokens",
            "",
            "shorten",
            False,
        ),
        (400, "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", "", "shorten", False),
        (413, "413 Request Entity Too Large", "", "fatal", False),
        (413, GROQ, "rate_limit_exceeded", "fatal", False),
        (429, GROQ, "rate_limit_exceeded", "fatal", False),
        (429, "on tokens per min: Limit 30000, Used 29000, Requested 1200. Try again in 2s", "", "slow_down", False),
        (429, QUOTA, "429", "fatal", True),
        (429, GEMINI_NONE, "RESOURCE_EXHAUSTED 429", "fatal", True),
        (429, GEMINI_MINUTE, "RESOURCE_EXHAUSTED 429", "slow_down", False),
        (429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more", "", "fatal", True),
        (429, DAY, "", "slow_down", False),
        (402, "Insufficient credits", "402", "fatal", True),
        (400, "Your credit balance is too low to access the Anthropic API", "", "fatal", True),
        (403, "Your input was flagged by moderation", "", "filter", False),
        (
            400,
            "The response was filtered due to the prompt triggering Azure's content management policy",
            "",
            "filter",
            False,
        ),
        (403, "country not supported", "", "fatal", True),
        (500, "System role not supported", "", "fatal", True),
        (400, "Unexpected role 'user' after role 'tool'", "", "fatal", False),
        (400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "", "fatal", True),
        (404, 'model "qwen3:30b" not found, try pulling it first', "", "fatal", True),
        (405, "Method Not Allowed", "", "fatal", True),
        (503, "Loading model", "unavailable_error", "retry", False),
        (None, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "", "fatal", True),
        (None, "All connection attempts failed", "", "retry", False),
        (None, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "", "fatal", True),
        (403, "Rate limit exceeded for user", "rateLimitExceeded", "slow_down", False),
        (400, "Too many requests, please wait before trying again.", "ThrottlingException", "slow_down", False),
        (424, "The model returned the following errors", "ModelErrorException", "retry", False),
        (498, "Flex tier capacity exceeded", "capacity_exceeded", "retry", False),
        (
            400,
            "You have reached your specified API usage limits. You will regain access on 1 May.",
            "",
            "fatal",
            True,
        ),
        (429, "Your team has used all available credits or reached its monthly spending limit.", "", "fatal", True),
        (429, "Your account is suspended", "exceeded_current_quota_error", "fatal", True),
        (429, "Usage limit reached, try again in 30s", "", "slow_down", False),
        (400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", "fatal", True),
        (400, "max_tokens: 9 is invalid", "", "fatal", False),
        (400, "Content Exists Risk", "invalid_request_error", "filter", False),
        (400, "Input data may contain inappropriate content.", "data_inspection_failed", "filter", False),
        (403, "Content violates usage guidelines. API key ID: 7", "permission-denied", "filter", False),
        (400, "Your request was rejected as a result of our safety system.", "", "filter", False),
        (403, "Request blocked by security_policy", "", "fatal", True),
        (400, "This model's maximum prompt length is 131072 but the request contains 140000", "", "overflow", False),
        (400, "Your request exceeded model token limit: 8192 (requested: 9000)", "", "overflow", False),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it", "", "fatal", True),
        (400, "The model `llama3-70b` has been decommissioned", "model_decommissioned", "fatal", True),
    ],
)
def test_the_words_of_real_servers_are_told_apart(
    status: int | None, message: str, code: str, kind: str, lasting: bool
) -> None:
    fault = classify(status, message, code=code)
    assert (fault.kind, fault.lasting) == (kind, lasting)
    assert message in fault.told


@pytest.mark.parametrize(
    ("body", "message", "code", "status"),
    [
        ({"error": {"message": "Insufficient credits", "code": 402}}, "Insufficient credits", "402", 402),
        (
            {"error": 'model "m" not found, try pulling it first'},
            'model "m" not found, try pulling it first',
            "",
            None,
        ),
        (
            [{"error": {"code": 429, "message": "spent", "status": "RESOURCE_EXHAUSTED"}}],
            "spent",
            "429 RESOURCE_EXHAUSTED",
            429,
        ),
        ({"detail": [{"loc": ["body", "x"], "msg": "field required"}]}, "field required", "", None),
        ({"message": "no", "type": "Bad"}, "no", "Bad", None),
        ("<html><head><title>502 Bad Gateway</title></head></html>", "a page of HTML: 502 Bad Gateway", "", None),
        ("upstream connect error", "upstream connect error", "", None),
        ('{"error": {"message": "in text"}}', "in text", "", None),
        (
            {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "m is rate-limited"}}},
            "Provider returned error: m is rate-limited",
            "429",
            429,
        ),
        ({"error": {"message": "q", "details": [{"retryDelay": "33s"}]}}, "q: (retry in 33s)", "", None),
        ({}, "as a last resort", "", None),
        (None, "as a last resort", "", None),
    ],
)
def test_an_errors_words_are_found_in_whatever_shape_they_come(
    body: Any, message: str, code: str, status: int | None
) -> None:
    found = read_error(body, "as a last resort")
    assert message in found.message
    assert (found.code, found.status) == (code, status)


def test_an_error_with_success_counts_by_the_status_inside_it() -> None:
    assert classify_body({"error": {"message": "slow", "code": 429}}, 200, "?").kind == "slow_down"
    assert classify_body({"error": {"message": "upstream idle timeout", "code": 502}}, None, "?").kind == "retry"
    assert classify_body({"error": {"message": "no such key", "code": 401}}, 200, "?").lasting


@pytest.mark.parametrize(
    ("message", "room", "left"),
    [
        (VLLM_NEW, Room(8192, 412, None, True), 7780),
        (VLLM_OLD, Room(8192, 412, None, True), 7780),
        ("prompt is too long: 210000 tokens > 200000 maximum", Room(200_000, 210_000), 0),
        ("context limit: 190000 + 16000 > 200000", Room(200_000, 190_000, None, True), 10_000),
        ("request (9012 tokens) exceeds the available context size (8192 tokens)", Room(8192, 9012), 0),
        ("Requested tokens (9000) exceed context window of 2048", Room(2048, 9000), 0),
        ("This model supports at most 4096 completion tokens", Room(answer=4096, about_the_answer=True), 4096),
        ("Your input exceeds the context window of this model", Room(), None),
        ("413", Room(), None),
    ],
)
def test_figures_are_read_from_complaints_about_length(message: str, room: Room, left: int | None) -> None:
    assert room_in(message) == room
    assert room.left == left


def test_a_delay_is_read_from_an_errors_text() -> None:
    assert delay_in(DAY) == 432
    assert delay_in("Please retry in 33.5s.") == 33.5
    assert delay_in("try again in 250ms") == 0.25
    assert delay_in("retry in 1h2m3s") == 3723
    assert delay_in("please retry later") is None
    assert delay_in("Please try again in 5 minutes.") == 300
    assert delay_in("try again in 1 minute and 30 seconds") == 90
    assert delay_in("retry after 1 day") == 86_400
    assert delay_in("try again in 20 milliseconds") == 0.02
    assert delay_in("Retry after 30. 429 errors so far") == 30


def test_a_daily_limit_that_names_a_time_in_its_header_is_waited_for() -> None:
    day = "Rate limit reached on requests per day (RPD): Limit 200, Used 200"
    assert classify(429, day).kind == "fatal"
    fault = classify(429, day, headers={"retry-after": "7"})
    assert (fault.kind, fault.retry_after_s) == ("slow_down", 7)


@pytest.mark.parametrize(
    ("text", "left", "thoughts"),
    [
        ("<think>SECRET</think>\n\nI go left.", "I go left.", "SECRET"),
        ("SECRET\n</think>\nI go left.", "I go left.", "SECRET"),
        ("<think>SECRET, and then it was cut", "", "SECRET, and then it was cut"),
        ("<think></think>I go left.", "I go left.", ""),
        ("<Thinking>one</Thinking>a<think>two</think>b", "ab", "one\ntwo"),
        ("I cannot think of <b>anything</b>", "I cannot think of <b>anything</b>", ""),
        ("is 3 < 4?", "is 3 < 4?", ""),
    ],
)
def test_reasoning_between_tags_is_no_part_of_an_answer(text: str, left: str, thoughts: str) -> None:
    assert apart(text, ("think", "thinking")) == (left, thoughts)
    assert apart(text, ()) == (text, "")


def test_the_page_shows_the_table_that_the_code_goes_by() -> None:
    page = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
    rows = re.findall(r"^\| \d+ \| (.+?) \| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [(rule.what, rule.kind) for rule in RULES]
    for kind, meaning in KINDS.items():
        assert f"| `{kind}` | {meaning} |" in page

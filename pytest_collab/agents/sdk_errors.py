"""What the SDKs of both providers raise in the same way, and answers that hold an error in place of an answer."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Final

from pytest_collab.agents.prices import Tokens
from pytest_collab.agents.retry import BadAnswer, Fault, classify, classify_body

PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def timed_out(error: Exception, seconds: float) -> Fault:
    """A timeout; one that came while connecting consumed nothing."""
    connecting = type(error.__cause__).__name__ == "ConnectTimeout"
    return Fault("retry", f"no answer within {seconds:g} s{_proxied()}", unknown=not connecting)


def broken(error: Exception) -> Fault:
    """A connection that failed. Where it broke after the request was sent, nobody knows what was consumed."""
    cause = error.__cause__ or error
    fault = classify(None, f"connection failed: {cause}{_proxied()}")
    if type(cause).__name__ == "ProxyError":
        return replace(fault, kind="fatal", lasting=True)
    return replace(fault, unknown=type(cause).__name__ != "ConnectError")


def response_text(error: Any) -> str:
    """The body of the response that an SDK's exception came from."""
    try:
        return str(error.response.text)
    except Exception:  # a stream that was not read to its end
        return ""


def no_answer(found: Any, told: str, tokens: Tokens | None = None, error: Any = None) -> BadAnswer:
    """For a response with success that is none: OpenRouter and others put an error where the answer should be."""
    extra = getattr(found, "model_extra", None) or {}
    body = error or extra.get("error") or getattr(found, "error", None)
    if body is None and isinstance(found, str):
        return BadAnswer(f"{told} but {found[:80]!r}" if found.strip() else told, tokens)
    if not body:
        return BadAnswer(told, tokens)
    fault = classify_body({"error": body}, None, told)
    return BadAnswer(fault.told, tokens, fault=fault)


def _proxied() -> str:
    named = next((name for name in PROXIES if os.environ.get(name)), None)
    return f" (through the proxy that {named} names)" if named else ""

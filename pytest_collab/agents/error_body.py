"""What a server says about an error, in whatever shape it says it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

LONGEST: Final = 1000
_TITLE: Final = re.compile(r"<(title|h1)[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")
_MESSAGE_KEYS: Final = ("message", "error_message", "detail", "title", "msg", "reason", "description")
_CODE_KEYS: Final = ("code", "type", "status", "error_code")


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error as its server put it.

    Attributes:
        message: for people; one paragraph.
        code: all names that the server gives the error (`code`, `type`, `status`), space-separated.
        status: an HTTP status that stands inside the body, where the response itself came with another.
    """

    message: str
    code: str = ""
    status: int | None = None


def read_error(body: Any, fallback: str = "") -> ErrorBody:
    """Understand an error's body.

    Objects with `error` (an object, or text), lists of such (Gemini), `message`, `detail` (FastAPI), a page of HTML
    (gateways: its title), or plain text.

    Args:
        body: parsed JSON, or the raw text.
        fallback: the message where the body says nothing.
    """
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        try:
            parsed = json.loads(body)
        except ValueError:
            return ErrorBody(_plain(body) or fallback)
        body = parsed if isinstance(parsed, dict | list) else body
    found = _within(body)
    return ErrorBody(found.message or fallback, found.code, found.status)


def _within(body: Any) -> ErrorBody:
    if isinstance(body, list):
        return _within(body[0]) if body else ErrorBody("")
    if not isinstance(body, Mapping):
        return ErrorBody(_plain(str(body)) if body else "")
    inner = body.get("error")
    if inner is None and isinstance(body.get("errors"), list):
        inner = body["errors"]
    if isinstance(inner, Mapping | list) and inner:
        deeper = _within(inner)
        return deeper if deeper.message else ErrorBody(_first(body), deeper.code, deeper.status)
    if isinstance(inner, str) and inner.strip():
        return ErrorBody(_joined(inner, _first(body)), _codes(body), _status(body))
    return ErrorBody(_joined(_first(body), _raw(body)), _codes(body), _status(body))


def _first(body: Mapping[str, Any]) -> str:
    for key in _MESSAGE_KEYS:
        value = body.get(key)
        if isinstance(value, str) and value.strip():
            return _plain(value)
        if isinstance(value, list | Mapping) and value:  # FastAPI lists what is wrong with each field
            return _plain(json.dumps(value, ensure_ascii=False))
    return ""


def _raw(body: Mapping[str, Any]) -> str:
    """What a router quotes of the provider behind it (OpenRouter: `metadata.raw`); delays stand in `details`."""
    metadata = body.get("metadata")
    quoted = metadata.get("raw") if isinstance(metadata, Mapping) else None
    told = quoted if isinstance(quoted, str) else ""
    for detail in body.get("details") or []:
        if isinstance(detail, Mapping) and isinstance(detail.get("retryDelay"), str):
            told += f" (retry in {detail['retryDelay']})"
    return _plain(told)


def _joined(first: str, second: str) -> str:
    first, second = _plain(first), _plain(second)
    return first if not second or second in first else f"{first}: {second}" if first else second


def _codes(body: Mapping[str, Any]) -> str:
    return " ".join(str(body[key]) for key in _CODE_KEYS if isinstance(body.get(key), str | int) and body[key])


def _status(body: Mapping[str, Any]) -> int | None:
    for key in ("code", "status", "status_code"):
        value = body.get(key)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
    return None


def _plain(text: str) -> str:
    if "<html" in text[:2000].lower() or text.lstrip()[:9].lower() == "<!doctype":
        title = _TITLE.search(text)
        text = f"a page of HTML: {unescape(_TAG.sub(' ', title[2]))}" if title else "a page of HTML"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

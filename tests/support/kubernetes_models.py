"""What Kubernetes' own models make of an object."""

from __future__ import annotations

import json
from typing import Any

import pytest


def modelled(data: Any, kind: str) -> Any:
    """What they keep of it: what they do not know is lost, what they require is demanded."""
    client = pytest.importorskip("kubernetes.client", reason="needs pip install 'pytest-collab[kubernetes]'")

    class Response:
        def __init__(self) -> None:
            self.data = json.dumps(data)

    api = client.ApiClient()
    try:
        made = api.deserialize(Response(), kind)
    except TypeError:  # newer clients take the text and its type
        made = api.deserialize(json.dumps(data), kind, "application/json")
    return api.sanitize_for_serialization(made)

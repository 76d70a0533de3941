"""A small soak; benchmarks/provider_faults.py is the large one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.conftest import PROVIDERS
from tests.support.model_server import ModelServer
from tests.support.soak import Mischief, shake, soak


@pytest.mark.slow
def test_no_episode_is_lost_doubled_or_blamed_on_the_wrong_one_and_both_books_agree(
    server: ModelServer, tmp_path: Path
) -> None:
    server.answer = shake
    server.fault = Mischief(0.3)
    figures = soak(server, tmp_path, 90, PROVIDERS).check(90)
    assert figures["retries"] > 30

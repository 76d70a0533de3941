"""Params that all matrix games share."""

from __future__ import annotations

from pydantic import Field

from pytest_collab.episode.family import Params


class MatrixParams(Params):
    """What all matrix games have in common."""

    seats: int = Field(2, ge=2, le=10, description="how many play")
    rounds: int = Field(10, ge=1, le=200, description="how often the game is repeated")
    talk: bool = Field(True, description="whether all may talk before each round")
    target: float = Field(0.8, gt=0, le=1, description="score from which an episode is a success")

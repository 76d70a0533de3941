"""How far several gradings of the same episodes agree.

A family whose episodes were graded k times (`--collab-grader=AGENT:k`) gives, as metrics `grading_1` to `grading_k`,
what each grading came to: 1 for success, less otherwise. Their agreement is told as The Collaboration Gap does (arXiv
2511.02687, appendix D): the intraclass correlation of the outcomes, and Fleiss' kappa of success.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_collab.measure.frame import Frame
from pytest_collab.measure.summary import Gradings

_GRADING: Final = re.compile(r"grading_(\d+)")


def gradings_of(frame: Frame, rows: NDArray[np.intp]) -> Gradings | None:
    """The agreement of the gradings of some rows; None where no episode was graded more than once."""
    columns = sorted((int(match[1]), name) for name in frame.metrics if (match := _GRADING.fullmatch(name)))
    ratings = np.stack([frame.metrics[name][rows] for _, name in columns], axis=1) if columns else np.empty((0, 0))
    ratings = ratings[:, ~np.isnan(ratings).all(axis=0)] if len(ratings) else ratings
    if ratings.shape[1] < 2:
        return None
    whole = ratings[~np.isnan(ratings).any(axis=1)]
    agreement, consistency = intraclass(whole)
    success = (whole == 1.0).sum(axis=1)
    return Gradings(
        gradings=ratings.shape[1],
        episodes=len(whole),
        icc_agreement=agreement,
        icc_consistency=consistency,
        kappa=fleiss_kappa(np.stack([success, whole.shape[1] - success], axis=1)),
    )


def intraclass(ratings: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """ICC(2,1) and ICC(3,1) (Shrout and Fleiss 1979, "Intraclass correlations: uses in assessing rater reliability").

    Args:
        ratings: shape (n, k): n targets, each rated by the same k raters.

    Returns:
        Each None where it is not defined: fewer than two targets or raters, or no variance at all.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return None, None
    mean = ratings.mean()
    targets = k * float(((ratings.mean(axis=1) - mean) ** 2).sum()) / (n - 1)
    raters = n * float(((ratings.mean(axis=0) - mean) ** 2).sum()) / (k - 1)
    left = ratings - ratings.mean(axis=1, keepdims=True) - ratings.mean(axis=0, keepdims=True) + mean
    error = float((left**2).sum()) / ((n - 1) * (k - 1))
    absolute = targets + (k - 1) * error + k * (raters - error) / n
    relative = targets + (k - 1) * error
    return (
        (targets - error) / absolute if absolute > 0.0 else None,
        (targets - error) / relative if relative > 0.0 else None,
    )


def fleiss_kappa(counts: NDArray[np.integer]) -> float | None:
    """Fleiss' kappa (Fleiss 1971, "Measuring nominal scale agreement among many raters").

    Args:
        counts: shape (n, c): how many raters put each of n targets into each of c categories; all rows sum to the
            same number of raters, two at least.

    Returns:
        None where it is not defined: no target, or all raters always used one and the same category.
    """
    if not len(counts):
        return None
    raters = int(counts[0].sum())
    share = counts.sum(axis=0) / counts.sum()
    by_chance = float((share**2).sum())
    seen = float(((counts**2).sum(axis=1) - raters).mean()) / (raters * (raters - 1))
    return (seen - by_chance) / (1.0 - by_chance) if by_chance < 1.0 else None

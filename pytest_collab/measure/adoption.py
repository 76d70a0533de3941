"""How the hazard of adopting a piece changes with exposures: a proportional hazards model in discrete time.

The complementary log-log link makes the coefficient a log hazard ratio, as Cox's in continuous time (Prentice and
Gloeckler 1978, Biometrics 34(1)).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pytest_collab.measure.interval import Estimate, normal_quantile


def hazard_ratio(at_risk: Mapping[int, int], adopted: Mapping[int, int], confidence: float = 0.95) -> Estimate | None:
    """By how much one exposure more multiplies the hazard of adoption, with Wald's interval.

    Args:
        at_risk, adopted: by exposures, how often a piece could be adopted, and was.

    Returns:
        None where the counts do not tell: fewer than two different numbers of exposures, nothing or everything
        adopted, or no end to the estimate.
    """
    from scipy.optimize import minimize

    exposures = np.array(sorted(k for k, n in at_risk.items() if n > 0), dtype=np.float64)
    trials = np.array([at_risk[int(k)] for k in exposures], dtype=np.float64)
    hits = np.array([adopted.get(int(k), 0) for k in exposures], dtype=np.float64)
    if len(exposures) < 2 or not 0 < hits.sum() < trials.sum():
        return None
    design = np.stack([np.ones_like(exposures), exposures], axis=1)

    def loss(beta: np.ndarray) -> float:
        rate = np.exp(np.clip(design @ beta, -30, 5))
        return float((rate * (trials - hits)).sum() - (hits * np.log(-np.expm1(-rate))).sum())

    start = np.array([np.log(-np.log1p(-hits.sum() / trials.sum())), 0.0])
    beta = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000}).x
    if abs(beta[1]) > 5:
        return None
    rate = np.exp(np.clip(design @ beta, -30, 5))
    weight = trials * rate**2 * np.exp(-rate) / -np.expm1(-rate)
    information = design.T @ (weight[:, None] * design)
    if abs(np.linalg.det(information)) < 1e-12:
        return None
    half = normal_quantile(confidence) * float(np.sqrt(np.linalg.inv(information)[1, 1]))
    ratio, low, high = (float(np.exp(value)) for value in (beta[1], beta[1] - half, beta[1] + half))
    return Estimate(ratio, low, high, int(trials.sum()), confidence, "complementary log-log, Wald")

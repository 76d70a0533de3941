"""Twins of the round games in JAX, for checks and for calibration."""

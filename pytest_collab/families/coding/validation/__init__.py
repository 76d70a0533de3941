"""Whether a pool is fit to judge anyone."""

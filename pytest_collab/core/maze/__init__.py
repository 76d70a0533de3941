"""Mazes in batches: generate, solve, split, measure; and the cache that keeps them."""

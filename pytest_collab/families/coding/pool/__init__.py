"""Pools: a base, its features, their texts and known solutions."""

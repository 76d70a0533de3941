"""Hanabi: everyone sees all cards but its own, and may only hint (arXiv 1902.00506; with models, 2601.18077)."""

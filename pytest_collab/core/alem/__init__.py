"""Alem in batches: its programs, compiled once, and policies that need no text."""

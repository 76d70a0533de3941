"""Hidden tests, run on a tree in a fresh sandbox, and what they say about it."""

"""TeamBench (arXiv 2605.07073) from the user's own checkout: its folders as coding tasks with roles."""

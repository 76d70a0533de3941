"""Where seats work: trees, branches, sandboxes, and what is found there afterwards."""

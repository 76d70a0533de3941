"""Git, as data: bases, work trees, merges, and the tree that is graded."""

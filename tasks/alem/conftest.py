"""Tasks of the published protocol take hours: they are collected when they are named, not with everything else."""

collect_ignore = ["standard"]

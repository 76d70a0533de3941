"""Tasks of the published protocol take hours: they are collected when they are named, and not with everything else."""

collect_ignore = ["standard"]

"""The suite's libraries and fixtures are what tasks are set in; they are not collected."""

collect_ignore = ["repos", "fixtures"]

"""What code needs in order to run: toolchains, set-up, and where it lies."""

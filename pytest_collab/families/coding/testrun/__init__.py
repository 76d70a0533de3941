"""One run of tests: what a runner left behind, read without believing more than can be proven."""

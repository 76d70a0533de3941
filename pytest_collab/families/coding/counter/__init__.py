"""Counter-tests: hidden tests with wrong expectations, which whoever has computed the answer must fail."""

"""Mutants of a reference patch: small wrong versions of it, made with a parser, kept where hidden tests fail."""

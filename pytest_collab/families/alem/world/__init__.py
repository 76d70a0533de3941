"""The world of `alem-env`: driven, read, worded and drawn."""

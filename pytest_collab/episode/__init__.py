"""How a game is played: turn engine, channel, conditions, limits, transcript, outcome, executor."""

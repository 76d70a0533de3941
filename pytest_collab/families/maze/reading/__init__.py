"""How the words of seats become a path: notation, stance, claims, agreement, and the readers over them."""

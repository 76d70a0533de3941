"""How people read a run: terminal, junit properties, json, html."""

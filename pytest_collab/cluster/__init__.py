"""Episodes played by other processes, here or on other machines: what they are told, and who keeps their money."""

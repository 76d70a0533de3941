"""What seats said, read for claims and for the manner of talking."""

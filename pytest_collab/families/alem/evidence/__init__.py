"""What the transcript of a world proves about its agents."""

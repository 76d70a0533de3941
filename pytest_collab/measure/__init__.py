"""What a run means: intervals, gaps, decomposition, attribution, gates, baselines."""

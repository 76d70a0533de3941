"""Several teams at the same features, which show each other what they propose."""

"""Models of one analysis: the pooled result and its refits."""

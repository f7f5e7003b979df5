"""A run of the workflow beside its results: what it says, who is at it, what stops it."""

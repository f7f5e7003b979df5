"""The effects of an analysis that count, and why each other one does not."""

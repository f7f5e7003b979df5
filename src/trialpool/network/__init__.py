"""Network meta-analysis: several treatments compared through each other."""

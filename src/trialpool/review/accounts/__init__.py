"""Where each number comes from, and what is missing: trace, verification, ROB-ME."""

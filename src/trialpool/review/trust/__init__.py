"""How far to trust a result: diagnostics, sensitivity, the multiverse, kinds of trial."""

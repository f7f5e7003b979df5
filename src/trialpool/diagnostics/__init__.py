"""How far to trust a pooled number: influence, small-study effects, selection, missing results."""

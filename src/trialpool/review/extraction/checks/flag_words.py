"""The flags of a row in the words its checks declare."""

from __future__ import annotations

from trialpool.review.extraction.checks import flags


def flag_words(names: str) -> str:
    """The `flags` cell of a table in words.

    Parameters
    ----------
    names : names of checks, separated by semicolons
    """
    words = flags()
    found = [name.strip() for name in names.split(";") if name.strip()]
    return "; ".join(words.get(name, name.replace("_", " ")) for name in found)

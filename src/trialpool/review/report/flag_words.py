"""What the warnings of the checks mean, put where a result names the checks.

Results name checks and flags.csv says what each means, so that other words change no result.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialpool.review.schema.packed import FLAG_NAMES
from trialpool.words import text


def explained(studies: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    """The trials of an analysis with `flags` in words.

    Parameters
    ----------
    flags : flags.csv of their condition
    """
    words = _words(flags)
    return studies.assign(flags=studies["flags"].map(lambda cell: _in_words(cell, words)))


def explained_refits(sensitivity: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    """The rows of a sensitivity table; the note of one without a flagged trial in words."""
    words = _words(flags)
    note = sensitivity["note"]
    explained_note = note.map(lambda cell: _in_words(cell, words))
    return sensitivity.assign(
        note=note.where(sensitivity["group"] != "flagged data", explained_note)
    )


def _words(flags: pd.DataFrame) -> dict[str, str]:
    return dict(zip(flags["check"], flags["words"], strict=True))


def _in_words(cell: object, words: Mapping[str, str]) -> str | None:
    names = FLAG_NAMES.read(text(cell))
    return "; ".join(dict.fromkeys(words.get(name, name) for name in names)) or None

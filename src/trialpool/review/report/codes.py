"""Codes of the tables in the words of the pages."""

from __future__ import annotations

from trialpool.review.schema.packed import ADDRESSES

STATUS = {
    "published_without_numbers": "published without usable numbers",
    "completed_unpublished": "completed, no results found",
    "status_unknown": "status unknown",
    "ongoing": "ongoing",
}
COMPARATORS = {
    "placebo": "placebo",
    "active_placebo": "active placebo",
    "same_ect": "the same ECT alone",
    "ect": "ECT",
    "usual_care": "usual care",
    "waiting_list": "waiting list",
    "no_treatment": "no treatment",
    "other": "another treatment",
}
CONFIDENCE = {
    "primary": "the trial’s own report or data",
    "abstract": "abstract only",
    "secondary": "another review’s table",
}


def links(cell: object) -> list[str]:
    """The web addresses in a cell; anything that is not one is left out."""
    return [part for part in ADDRESSES.read(cell) if part.startswith(("https://", "http://"))]

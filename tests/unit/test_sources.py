"""When a number is known only from where it was taken."""

from __future__ import annotations

import pytest

from trialpool.review.choosing.sources import only

USUAL = ("primary", "abstract", "secondary")


@pytest.mark.parametrize(
    ("order", "level", "words"),
    [
        (USUAL, "secondary", "only "),
        (USUAL, "abstract", "only "),
        (("abstract", "primary", "secondary"), "secondary", "only "),
        (("abstract", "primary", "secondary"), "abstract", ""),
        (("primary", "secondary", "abstract"), "secondary", ""),
        (("primary", "secondary", "abstract"), "abstract", "only "),
        (("secondary", "primary", "abstract"), "secondary", ""),
    ],
)
def test_only_holds_if_every_more_direct_source_goes_before(
    order: tuple[str, ...], level: str, words: str
) -> None:
    assert only(order, level) == words

"""Whether a number is known only from where it was taken: what the order of sources implies."""

from __future__ import annotations

from collections.abc import Sequence

from trialpool.analysis_result import ResultHeading
from trialpool.review.schema.raw import CONFIDENCE


def order_of(result: ResultHeading) -> Sequence[str]:
    """The kinds of source, the preferred one first; the protocol's, or the usual order."""
    order: Sequence[str] = result.specification.get("confidence_order", CONFIDENCE)
    return order


def only(order: Sequence[str], *levels: str) -> str:
    """`only `, where numbers used from sources of these kinds are in no more direct one; else "".

    Of a trial with several sources the order says which is used: a number is known only from an
    abstract or another review where every more direct kind would have gone before it.

    Parameters
    ----------
    order : kinds of source, the preferred one first
    levels : of CONFIDENCE
    """
    for level in levels:
        direct = set(CONFIDENCE[: CONFIDENCE.index(level)]) - set(levels)
        if not direct <= set(order[: order.index(level)]):
            return ""
    return "only "

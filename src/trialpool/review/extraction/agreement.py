"""How often two extractors agree: the tables agreement.csv and disagreements.csv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any

import pandas as pd

from trialpool.results import NAN
from trialpool.review.extraction.pairs import RowPair, named
from trialpool.review.extraction.second import TwoExtractions
from trialpool.review.schema.raw import ABSENT, PRESENT
from trialpool.review.schema.results import AGREEMENT, DISAGREEMENTS

ALL = "all"


def agreement(comparison: TwoExtractions) -> pd.DataFrame:
    """How often the two extractors agree, before any decision.

    Returns
    -------
    One line for all cells (kind `cells`), one for the trials, and per table one for its rows and
    one per column. For cells `compared` counts those at least one extractor filled in; for
    trials and rows those that either has, `agreed` those that both have. `percent_agreed` with
    its 95 % Wilson limits `ci_low`, `ci_high`; `agreed_rounded` counts numbers that differ in
    rounding only as agreed; `kappa` is Cohen's, for choices, and `reason` says why it is missing.
    Empty without a second extraction.
    """
    lines = list(_lines(comparison)) if comparison.tables else []
    return AGREEMENT.frame(lines)


def _lines(comparison: TwoExtractions) -> Iterator[dict[str, Any]]:
    cells = [pair for pair in comparison.pairs if pair.kind != "row"]
    rounded = sum(pair.agree_rounded for pair in cells)
    yield _line(ALL, "cells", "cells", len(cells), _agreed(cells)) | {"agreed_rounded": rounded}
    first, second = set(comparison.first_trials), set(comparison.second_trials)
    yield _presence(ALL, "trials", len(first & second), len(first - second), len(second - first))
    for table in comparison.tables:
        pairs = [pair for pair in comparison.pairs if pair.table == table]
        rows = Counter((pair.first, pair.second) for pair in pairs if pair.kind == "row")
        only = rows[PRESENT, ABSENT], rows[ABSENT, PRESENT]
        yield _presence(table, "rows", rows[PRESENT, PRESENT], *only)
        for column in dict.fromkeys(pair.column for pair in pairs if pair.kind != "row"):
            yield _column(table, column, [pair for pair in pairs if pair.column == column])


def _agreed(pairs: Sequence[RowPair]) -> int:
    return sum(pair.agree for pair in pairs)


def _line(table: str, column: str, kind: str, compared: int, agreed: int) -> dict[str, Any]:
    low, high = wilson(agreed, compared)
    return {
        "table": table,
        "column": column,
        "kind": kind,
        "compared": compared,
        "agreed": agreed,
        "percent_agreed": 100 * agreed / compared if compared else NAN,
        "ci_low": 100 * low,
        "ci_high": 100 * high,
        "reason": "" if compared else "nothing to compare",
    }


def _presence(table: str, kind: str, both: int, first: int, second: int) -> dict[str, Any]:
    line = _line(table, kind, kind, both + first + second, both)
    return line | {"only_first": first, "only_second": second}


def _column(table: str, column: str, pairs: Sequence[RowPair]) -> dict[str, Any]:
    kind = pairs[0].kind
    line = _line(table, column, kind, len(pairs), _agreed(pairs))
    if kind == "number":
        return line | {"agreed_rounded": sum(pair.agree_rounded for pair in pairs)}
    kappa, reason = cohen_kappa([(pair.first, pair.second) for pair in pairs])
    return line | {"kappa": kappa, "reason": reason}


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float, str]:
    """Cohen's kappa of two readers who each chose one word per thing.

    Parameters
    ----------
    pairs : (n,) the two words per thing; a blank is a word of its own

    Returns
    -------
    (po - pe) / (1 - pe), with po the share they agree on and pe the share expected from how
    often each used each word; NaN with the reason where pe = 1

    References
    ----------
    Cohen 1960, Educ Psychol Meas 20:37
    """
    n = len(pairs)
    if n == 0:
        return NAN, "nothing to compare"
    one, other = (Counter(pair[i] for pair in pairs) for i in (0, 1))
    # In counts, so that pe = 1 is seen exactly.
    expected = sum(count * other[word] for word, count in one.items())
    if expected == n * n:
        return NAN, "both extractors used one value only"
    observed = sum(a == b for a, b in pairs)
    return (n * observed - expected) / (n * n - expected), ""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion; NaN where n = 0.

    References
    ----------
    Wilson 1927, J Am Stat Assoc 22:209
    """
    if n == 0:
        return NAN, NAN
    z2 = NormalDist().inv_cdf(0.975) ** 2
    p = successes / n
    centre = p + z2 / (2 * n)
    half = sqrt(z2 * (p * (1 - p) + z2 / (4 * n)) / n)
    low, high = ((centre + sign * half) / (1 + z2 / n) for sign in (-1, 1))
    # At no or only successes one limit is 0 or 1; rounding must not step over it.
    return (0.0 if successes == 0 else low), (1.0 if successes == n else high)


def disagreements(comparison: TwoExtractions) -> pd.DataFrame:
    """Every cell and row the two extractors differ in, as typed, with the decision.

    Returns
    -------
    One line per disagreement; `row` and `second_row` are row numbers in the two tables, `status`
    is open or adjudicated. A decision that the table of record does not hold is an error before
    it can get here.
    """
    lines = [_difference(pair) for pair in comparison.pairs if not pair.agree]
    return DISAGREEMENTS.frame(lines)


def _difference(pair: RowPair) -> dict[str, Any]:
    ruling = pair.ruling or {}
    decided = ("decision", "reason", "adjudicated_by", "adjudicated_on")
    return {
        "table": pair.table,
        "row": pair.row,
        "second_row": pair.second_row,
        "trial_id": pair.trial,
        "key": named(pair),
        "column": pair.column,
        "first": pair.first,
        "second": pair.second,
        **{name: ruling.get(name) for name in decided},
        "status": "adjudicated" if ruling else "open",
    }

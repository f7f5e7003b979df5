"""Reported differences beside the means of the arms they are differences of."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot, inf, log, sqrt
from typing import NamedTuple

from trialpool.review.extraction.checks.index import Index, having, number, span
from trialpool.review.extraction.checks.quantiles import p_of_t, t_of_p
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, show

# Printed and recomputed p values: adjusting for baseline changes p, but seldom tenfold and by more
# than a standard normal deviate of 1; below 0.001 papers stop telling p values apart.
P_FACTOR, Z_APART, P_FLOOR = 5.0, 1.0, 0.001


class _Means(NamedTuple):
    """Two arms' difference of means, and its standard error with degrees of freedom."""

    rows: tuple[Row, Row]
    difference: tuple[float, float]
    welch: tuple[float, float]
    pooled: tuple[float, float]


@warning(
    "Check p and the means in the source: one of them may be a misprint",
    flag="p contradicts the arms' means and SDs",
)
def p_contradicts_means(index: Index) -> Iterator[Finding]:
    """A p value is near what a t test on the arms' means and SDs gives."""
    arms = index.shared(_Arms)
    for row in index.having("contrasts", "p_value"):
        if row["period"] == "both" or row["adjusted_for"] is not None or row["p_value"] == 0:
            continue
        tests = [test for means in arms.beside(row) for test in _tests(means)]
        if tests and all(_contradicts(row, p) for p, _ in tests):
            p, means = min(tests, key=lambda test: abs(log(test[0] / number(row, "p_value"))))
            yield Finding(
                index["contrasts"],
                row,
                "p_value",
                f"a t test on the arms' means and SDs (results.csv rows {means.rows[0]['row']} "
                f"and {means.rows[1]['row']}) gives p = {p:.2g}",
                others=means.rows,
            )
            # The contrast may not be used at all; the effect of these arms is in doubt as well.
            yield Finding(
                index["results"],
                means.rows[0],
                "mean",
                f"contrasts.csv row {row['row']} prints p = {show(row['p_value'])} for this "
                f"difference, but a t test on the arms' means and SDs (rows "
                f"{means.rows[0]['row']} and {means.rows[1]['row']}) gives p = {p:.2g}",
                others=(row, means.rows[1]),
            )


def _tests(means: _Means) -> Iterator[tuple[float, _Means]]:
    """The p values of Welch's and the pooled t test, at either end of rounding."""
    for se, df in (means.welch, means.pooled):
        for difference in means.difference:
            yield max(p_of_t(difference / se, df), 1e-300), means


def _contradicts(row: Row, computed: float) -> bool:
    printed = max(number(row, "p_value"), P_FLOOR)
    computed = max(computed, P_FLOOR)
    if row["p_bound"] == "yes" and computed <= printed:
        return False
    factor = max(printed, computed) / min(printed, computed)
    return factor > P_FACTOR and abs(t_of_p(printed, inf) - t_of_p(computed, inf)) > Z_APART


@warning(
    "Check `contrast` (which way the source subtracts) and which arm is which",
    flag="the reported difference and the arms' means point opposite ways",
)
def contrast_direction(index: Index) -> Iterator[Finding]:
    """A reported difference points the same way as the arms' means."""
    arms = index.shared(_Arms)
    for row in index.having("contrasts", "estimate", "contrast"):
        if row["effect_measure"] not in ("MD", "D", "G") or row["period"] == "both":
            continue
        estimate = number(row, "estimate") * (
            -1 if row["contrast"] != "experimental-control" else 1
        )
        for means in arms.beside(row):
            low, high = means.difference
            clear = min(abs(low), abs(high)) > means.welch[0] and low * high > 0
            if clear and estimate * low < 0:
                yield Finding(
                    index["contrasts"],
                    row,
                    "estimate",
                    f"experimental - control is {estimate:g} here but {(low + high) / 2:.3g} from "
                    f"the means in results.csv rows {means.rows[0]['row']} and "
                    f"{means.rows[1]['row']}",
                    others=means.rows,
                )
                break


class _Arms:
    """The arms' means that a contrast is a difference of."""

    _KEY = ("trial_id", "outcome", "instrument", "period", "time_days", "stratum", "analysis_set")

    def __init__(self, index: Index) -> None:
        self._sheet = index["results"]
        self._by: dict[tuple[object, ...], list[Row]] = {}
        wanted = {tuple([row[c] for c in self._KEY]) for row in index["contrasts"].rows}
        for row in having(index.scores, "mean", "sd", "n") if wanted else ():
            key = tuple([row[c] for c in self._KEY])
            usable = row["outcome_type"] != "baseline" and number(row, "n") > 1 and row["sd"]
            if key in wanted and usable:
                self._by.setdefault((*key, row["arm_id"]), []).append(row)

    def beside(self, contrast: Row) -> Iterator[_Means]:
        """The pairs of arms with the contrast's key, of one source and type of score."""
        key = tuple(contrast[c] for c in self._KEY)
        for one in self._by.get((*key, contrast["experimental_arm"]), ()):
            for other in self._by.get((*key, contrast["control_arm"]), ()):
                same = all(one[c] == other[c] for c in ("source", "outcome_type"))
                if same and one is not other:
                    yield self._means(one, other)

    def _means(self, one: Row, other: Row) -> _Means:
        a, b = span(self._sheet, one, "mean"), span(self._sheet, other, "mean")
        (n1, s1), (n2, s2) = ((number(r, "n"), number(r, "sd")) for r in (one, other))
        v1, v2 = s1 * s1 / n1, s2 * s2 / n2
        welch_df = (v1 + v2) ** 2 / (v1 * v1 / (n1 - 1) + v2 * v2 / (n2 - 1))
        df = n1 + n2 - 2
        sd = sqrt(((n1 - 1) * s1 * s1 + (n2 - 1) * s2 * s2) / df)
        return _Means(
            rows=(one, other),
            difference=(a[0] - b[1], a[1] - b[0]),
            welch=(hypot(s1 / sqrt(n1), s2 / sqrt(n2)), welch_df),
            pooled=(sd * sqrt(1 / n1 + 1 / n2), df),
        )

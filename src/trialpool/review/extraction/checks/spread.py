"""Spread that is none: zero, of one person, of a perfect correlation."""

from __future__ import annotations

from collections.abc import Iterator

from trialpool.review.extraction.checks.index import Index, having, number
from trialpool.review.extraction.checks.registry import Finding, error, warning

# Fisher's z has the variance 1/(n - 3).
FEWEST_CORRELATED = 3


@error("Leave it blank if it is not known")
def zero_spread(index: Index) -> Iterator[Finding]:
    """An SD, a standard error, degrees of freedom or a time at risk of exactly zero are none."""
    for name, columns in (
        ("results", ("sd", "se", "time_at_risk")),
        ("contrasts", ("se", "sd_difference", "sd_pooled", "df")),
        ("instruments", ("reference_sd",)),
    ):
        for column in columns:
            for row in index[name].rows:
                if row.get(column) == 0:  # a table may lack time_at_risk
                    yield Finding(index[name], row, column, "must be above 0")


@error("Correct n, or leave the spread blank")
def spread_of_one(index: Index) -> Iterator[Finding]:
    """One person's score has no SD, standard error or confidence interval."""
    sheet = index["results"]
    for row in index.having("results", "n"):
        for column in ("sd", "se", "ci_low", "ci_high"):
            if number(row, "n") == 1 and row[column] is not None:
                yield Finding(sheet, row, column, "one person (n = 1) has none")


@error("Correct the value; leave it blank if it is not known")
def perfect_correlation(index: Index) -> Iterator[Finding]:
    """A correlation lies strictly between -1 and 1."""
    for row in index.having("results", "correlation"):
        if abs(number(row, "correlation")) == 1:
            rule = "must lie strictly between -1 and 1"
            yield Finding(index["results"], row, "correlation", rule)


@warning(
    "Check n in the source; a correlation of so few people cannot be pooled as Fisher's z",
    flag="a correlation of three people or fewer",
)
def correlation_of_few(index: Index) -> Iterator[Finding]:
    """A correlation is of more than 3 people: its variance, 1/(n - 3), does not exist otherwise."""
    for row in having(index.used("results"), "correlation", "n"):
        if number(row, "n") <= FEWEST_CORRELATED:
            rule = "a correlation of 3 people or fewer has no variance, 1/(n - 3)"
            yield Finding(index["results"], row, "n", rule)

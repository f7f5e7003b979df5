"""GRIM and GRIMMER: means and SDs that no whole scores of n people can have.

On a scale of whole steps the sum of n scores is a whole number of steps, so only some means are
possible (Brown & Heathers 2017, Soc Psychol Personal Sci 8:363). The sum of squares is whole too,
and as odd or even as the sum, so only some SDs are possible (Anaya 2016, PeerJ Preprints 4:e2400;
Allard 2018, analytic GRIMMER).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, sqrt

from trialpool.review.extraction.checks.index import Index, decimals, half_unit, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, show

# Numbers such as 3.75 and 0.125 are exact in binary and 3.8 is not: a rounding may go either way.
_EXACT = 1e-9
_OTHER_N = 3


def whole_sums(mean: float, half: float, n: int) -> range:
    """The sums of n whole scores whose mean prints as `mean`, `half` a unit of rounding around it.

    >>> whole_sums(3.75, 0.005, 8)
    range(30, 31)
    >>> whole_sums(3.75, 0.005, 9)
    range(34, 34)
    """
    slack = _EXACT * max(1.0, abs(mean) * n)
    low, high = ceil((mean - half) * n - slack), floor((mean + half) * n + slack)
    return range(low, max(low, high + 1))


def possible_sd(total: int, n: int, sd: float, half: float) -> bool:
    """Whether whole scores with this sum can have an SD that prints as `sd`.

    The sum of squares S = (n - 1) sd^2 + total^2 / n must be whole, and odd exactly if `total` is.

    >>> possible_sd(total=9, n=4, sd=0.5, half=0.05)
    True
    >>> possible_sd(total=9, n=4, sd=0.7, half=0.05)
    False
    """
    least, most = max(0.0, sd - half), sd + half
    centre = total * total / n
    slack = _EXACT * max(1.0, centre)
    low = ceil((n - 1) * least * least + centre - slack)
    high = floor((n - 1) * most * most + centre + slack)
    # Of two neighbouring whole numbers one has the right parity.
    first = low + (low - total) % 2
    return first <= high


def _grid(index: Index, row: Row) -> tuple[float, float] | None:
    """The step of the row's scale and where its grid starts; None where GRIM says nothing.

    A row that was computed (`derived`) carries other people's rounding.
    """
    scale = index.scale(row)
    if not scale or not scale["step"] or row["derived"] is not None:
        return None
    start = 0.0 if row["outcome_type"] == "change" else number(scale, "low")
    return number(scale, "step"), start


def _fine_enough(index: Index, row: Row, step: float) -> bool:
    """Whether n is small enough for the printed decimals to tell possible means apart."""
    places = decimals(index["results"].text(row, "mean"))
    return 2 <= number(row, "n") <= step * 10.0**places


@warning(
    "Check n, the mean and its decimals in the source; a modelled or imputed mean also looks so",
    flag="no whole scores of n people have this mean (GRIM)",
)
def grim(index: Index) -> Iterator[Finding]:
    """A mean of whole scores is a whole sum divided by n, as far as it is printed (GRIM)."""
    sheet = index["results"]
    for row in having(index.scores, "mean", "n"):
        grid = _grid(index, row)
        if grid is None or not _fine_enough(index, row, grid[0]):
            continue
        step, start = grid
        half = half_unit(sheet, row, "mean") / step
        mean, n = (number(row, "mean") - start) / step, int(number(row, "n"))
        if not whole_sums(mean, half, n):
            below = floor(mean * n)
            near = [start + step * total / n for total in (below, below + 1)]
            places = decimals(sheet.text(row, "mean")) + 1
            sizes = (m for d in range(1, _OTHER_N + 1) for m in (n - d, n + d))
            others = [m for m in sizes if m > 1 and whole_sums(mean, half, m)]
            fits = f"; n = {' or '.join(map(str, others[:2]))} would fit" if others else ""
            yield Finding(
                sheet,
                row,
                "mean",
                f"no {n} scores in steps of {show(step)} have this mean: the nearest are "
                f"{near[0]:.{places}f} and {near[1]:.{places}f}{fits}",
            )


@warning(
    "Check n, mean and SD in the source; a modelled or imputed SD also looks so",
    flag="no whole scores of n people have this SD (GRIMMER)",
)
def grimmer(index: Index) -> Iterator[Finding]:
    """An SD of whole scores has a whole sum of squares, as far as it is printed (GRIMMER)."""
    sheet = index["results"]
    for row in having(index.scores, "sd", "mean", "n"):
        grid = _grid(index, row)
        if grid is None or not _fine_enough(index, row, grid[0]):
            continue
        step, start = grid
        n = int(number(row, "n"))
        sums = whole_sums(
            (number(row, "mean") - start) / step, half_unit(sheet, row, "mean") / step, n
        )
        sd, half = number(row, "sd") / step, half_unit(sheet, row, "sd") / step
        if sums and not any(possible_sd(total, n, sd, half) for total in sums):
            known = [s for total in sums for s in _near_sds(total, n, sd)]
            around = sorted(known, key=lambda s: abs(s - sd))[:2]
            places = decimals(sheet.text(row, "sd")) + 1
            near = " and ".join(f"{step * s:.{places}f}" for s in sorted(around))
            yield Finding(
                sheet,
                row,
                "sd",
                f"no {n} scores in steps of {show(step)} with mean {sheet.text(row, 'mean')} have "
                f"this SD: the nearest are {near}",
            )


def _near_sds(total: int, n: int, sd: float) -> Iterator[float]:
    """Possible SDs of whole scores with this sum, around the one given."""
    centre = total * total / n
    around = floor((n - 1) * sd * sd + centre)
    for square in range(around - 2, around + 4):
        if (square - total) % 2 == 0 and square >= centre:
            yield sqrt((square - centre) / (n - 1))

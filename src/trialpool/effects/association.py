"""Association of two dichotomous variables: phi, Yule's Q and Y, tetrachoric correlation."""

from __future__ import annotations

import numpy as np

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.tetrachoric import tetrachoric
from trialpool.effects.zero_cells import CHOICES, COLUMNS, SUMS, described, two_by_two
from trialpool.results import Array


def _empty_margin(a: Array, b: Array, c: Array, d: Array) -> Rule:
    empty = (a + b == 0) | (c + d == 0) | (a + c == 0) | (b + d == 0)
    return empty, "a whole row or column of the table is empty"


@measure("PHI", title="phi coefficient", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def phi_coefficient(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Phi coefficient, the correlation of two dichotomous variables.

    Parameters as for OR; nothing is added unless asked for. The variance is that of people
    sampled without fixing either margin.

    Returns
    -------
    Effects from -1 to 1; NaN where a whole row or column of the table is empty

    References
    ----------
    Bishop, Fienberg & Holland 1975, Discrete Multivariate Analysis, p. 381 (variance)
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00)
    n = a + b + c + d
    row1, row2, column1, column2 = (a + b) / n, (c + d) / n, (a + c) / n, (b + d) / n
    rows, columns = row1 * row2, column1 * column2
    phi = (a * d - b * c) / n**2 / np.sqrt(rows * columns)
    skew_rows = (row1 - row2) / np.sqrt(rows)
    skew_columns = (column1 - column2) / np.sqrt(columns)
    vi = (
        1
        - phi**2
        + phi * (1 + phi**2 / 2) * skew_rows * skew_columns
        - 3 / 4 * phi**2 * (skew_rows**2 + skew_columns**2)
    ) / n
    rules.append(_empty_margin(a, b, c, d))
    return Estimate(phi, vi, f"phi, {described(add, to)}", rules)


@measure("YUQ", title="Yule's Q", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def yule_q(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Yule's Q, (OR - 1)/(OR + 1).

    Parameters and missing values as for OR; effects from -1 to 1.

    References
    ----------
    Yule 1912, J R Stat Soc 75:579; Bishop, Fienberg & Holland 1975, p. 379 (variance)
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="abcd")
    q = (a * d - b * c) / (a * d + b * c)
    vi = (1 - q**2) ** 2 / 4 * (1 / a + 1 / b + 1 / c + 1 / d)
    return Estimate(q, vi, f"Yule's Q, {described(add, to)}", rules)


@measure("YUY", title="Yule's Y", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def yule_y(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Yule's Y, (sqrt(OR) - 1)/(sqrt(OR) + 1).

    Parameters and missing values as for OR; effects from -1 to 1.

    References
    ----------
    Yule 1912, J R Stat Soc 75:579; Bishop, Fienberg & Holland 1975, p. 379 (variance)
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="abcd")
    along, across = np.sqrt(a * d), np.sqrt(b * c)
    y = (along - across) / (along + across)
    vi = (1 - y**2) ** 2 / 16 * (1 / a + 1 / b + 1 / c + 1 / d)
    return Estimate(y, vi, f"Yule's Y, {described(add, to)}", rules)


@measure("RTET", title="tetrachoric correlation", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def tetrachoric_correlation(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Tetrachoric correlation: of two normal variables that were cut into two each.

    Parameters as for OR; nothing is added unless asked for. The maximum-likelihood estimate: the
    table has as many free cells as the model has parameters, so it is the one correlation that
    reproduces the table.

    Returns
    -------
    Effects from -1 to 1. With a zero cell the estimate is -1 or 1 and has no variance; NaN where
    a whole row or column of the table is empty

    References
    ----------
    Pearson 1900, Phil Trans R Soc A 195:1; Divgi 1979, Psychometrika 44:169; Brown & Benedetti
    1977, Psychometrika 42:347 (variance)
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00)
    rho, vi = tetrachoric(a, b, c, d)
    rules.append(_empty_margin(a, b, c, d))
    highest, lowest = (b == 0) | (c == 0), (a == 0) | (d == 0)
    yi = np.where(highest, 1.0, np.where(lowest, -1.0, rho))
    return Estimate(
        yi,
        vi,
        f"tetrachoric r, {described(add, to)}",
        rules,
        [(highest | lowest, "a cell is 0: the correlation is at its limit, without variance")],
    )

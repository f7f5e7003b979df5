"""The shapes of a dose-response curve: linear, quadratic, restricted cubic spline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import Array, TrialpoolError, check_choice

SHAPES = ("linear", "quadratic", "spline")
# Percentiles at which knots stand by default (Harrell 2015, Regression Modeling Strategies, 2.4.6).
PERCENTILES = {
    3: (10.0, 50.0, 90.0),
    4: (5.0, 35.0, 65.0, 95.0),
    5: (5.0, 27.5, 50.0, 72.5, 95.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A curve of `p` terms; `knots` only of a spline."""

    name: str
    knots: tuple[float, ...] = ()

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return {"linear": 1, "quadratic": 2}.get(self.name, len(self.knots) - 1)

    @property
    def terms(self) -> tuple[str, ...]:
        """What each coefficient belongs to."""
        if self.name == "spline":
            return ("dose", *(f"spline {i}" for i in range(1, self.p)))
        return ("dose", "dose squared")[: self.p]

    def basis(self, dose: ArrayLike) -> Array:
        """The terms at doses (n,), shape (n, p); all 0 at dose 0 where no knot is below it."""
        x = np.asarray(dose, dtype=np.float64)
        if self.name == "spline":
            return restricted_cubic(x, self.knots)
        return np.stack([x ** (i + 1) for i in range(self.p)], axis=-1)


def restricted_cubic(x: Array, knots: Sequence[float]) -> Array:
    """Restricted cubic spline in its truncated power basis, linear beyond the outer knots.

    Returns
    -------
    (n, K - 1) for K knots: x itself, then K - 2 cubic terms divided by the squared distance of
    the outer knots, so that all are in units of x

    References
    ----------
    Harrell 2015, Regression Modeling Strategies, eq. 2.25; Orsini et al. 2012, Am J Epidemiol
    175:66
    """
    t = np.asarray(knots, dtype=np.float64)
    cubes = np.maximum(x[..., np.newaxis] - t, 0.0) ** 3
    before, last = cubes[..., -2:-1], cubes[..., -1:]
    gap = t[-1] - t[-2]
    inner = cubes[..., :-2] - before * (t[-1] - t[:-2]) / gap + last * (t[-2] - t[:-2]) / gap
    return np.concatenate([x[..., np.newaxis], inner / (t[-1] - t[0]) ** 2], axis=-1)


def shape(
    name: str,
    doses: Array,
    knots: Sequence[float] | None = None,
    percentiles: Sequence[float] | None = None,
) -> Shape:
    """A shape by its name; a spline's knots at given doses or at percentiles of all doses.

    Parameters
    ----------
    name : "linear", "quadratic" or "spline"
    doses : (n,) all doses, references included
    knots, percentiles : at least 3, only for a spline; by default the percentiles 10, 50 and 90

    Raises
    ------
    TrialpoolError
        for an unknown name, both or too few knots, or knots that are not all different
    """
    check_choice("shape", name, SHAPES)
    if name != "spline":
        if knots is not None or percentiles is not None:
            raise TrialpoolError(f"shape = {name}: only a spline has knots. Leave them out")
        return Shape(name=name)
    if knots is not None and percentiles is not None:
        raise TrialpoolError("knots and percentiles are both given. Give one of them")
    if knots is None:
        at = PERCENTILES[3] if percentiles is None else percentiles
        knots = np.percentile(doses, at).tolist()
    placed = tuple(sorted(float(t) for t in knots or ()))
    listed = ", ".join(f"{t:g}" for t in placed)
    if len(placed) < 3 or len(set(placed)) < len(placed) or not np.isfinite(placed).all():
        raise TrialpoolError(
            f"knots = {listed}: a spline needs at least 3 different knots. Give their doses, or "
            "use a linear curve where there are few dose levels"
        )
    return Shape(name=name, knots=placed)

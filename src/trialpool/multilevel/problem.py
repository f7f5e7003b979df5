"""What a model is fitted to: checked data in one unit, and whether it can be identified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trialpool.multilevel.blocks import Index, Sampling, batches, components
from trialpool.multilevel.likelihood import Likelihood, Point
from trialpool.multilevel.terms import Part
from trialpool.results import Array, TrialpoolError

# What is left of the information on a parameter, as a share, once the others are known to need it.
_NO_INFORMATION = 1e-9


@dataclass(frozen=True)
class MultilevelProblem:
    """Effects, design, sampling covariance and random effects of one model.

    The likelihood sees effects in units of a typical standard error and an orthonormal design, so
    that neither the scale of the data nor that of X matters.
    """

    yi: Array
    X: Array
    sampling: Sampling
    parts: tuple[Part, ...]
    restricted: bool

    @cached_property
    def unit(self) -> float:
        """A power of 2 near the median standard error."""
        variance = float(np.median(self.sampling.variances))
        return float(np.exp2(np.frexp(variance)[1] // 2))

    @cached_property
    def _qr(self) -> tuple[Array, Array]:
        q, r = np.linalg.qr(self.X)
        return np.asarray(q), np.asarray(r)

    @cached_property
    def back(self) -> Array:
        """Takes coefficients of the orthonormal columns to those of X."""
        return np.asarray(np.linalg.inv(self._qr[1]))

    @cached_property
    def block(self) -> Index:
        """The number of each row's block."""
        s = self.sampling
        labels = [part.outer for part in self.parts]
        return components(s.k, labels, s.i, s.j)

    @cached_property
    def likelihood(self) -> Likelihood:
        """In units of `unit`."""
        s = self.sampling
        scaled = Sampling(s.k, s.i, s.j, s.value / self.unit**2)
        stacks = batches(scaled, self.block)
        return Likelihood(self.yi / self.unit, self._qr[0], stacks, self.parts, self.restricted)

    @cached_property
    def common(self) -> Point | None:
        """The model without random effects; None where V is singular."""
        return replace(self.likelihood, parts=()).at(np.empty(0))

    @cached_property
    def typical(self) -> float:
        """The size of a standard deviation to expect, in units: what V leaves unexplained."""
        y, x = self.likelihood.y, self.likelihood.x
        left = y - x @ (x.T @ y)
        k, p = x.shape
        within = float(np.mean(self.sampling.variances)) / self.unit**2
        return float(np.sqrt(max(float(left @ left) / (k - p) - within, 0.1 * within)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the parameters: standard deviations by their variances, then correlations."""
        return tuple(
            name for part in self.parts for name in (*part.variance_names, *part.correlation_names)
        )

    def check_identified(self) -> None:
        """Raise where the data hold no information on a parameter, naming it.

        Raises
        ------
        TrialpoolError
            with all parameters that cannot be told apart from one another or from the
            coefficients
        """
        if not self.parts:
            return
        for part in self.parts:
            if apart := _apart(part):
                raise TrialpoolError(_not_identified(apart, self.parts, len(self.yi)))
        model = self.likelihood
        q = len(model.fixed)
        # Any interior point will do; angles that differ, so that none is special.
        angles = 0.2 + 0.1 * np.arange(q) / q
        theta = np.where(model.is_deviation, self.typical * (1 + angles), angles)
        theta = np.where(np.isnan(model.fixed), theta, model.fixed)
        point = model.at(theta)
        if point is None:
            raise TrialpoolError("V and the random effects give no covariance matrix")
        free = np.flatnonzero(np.isnan(model.fixed))
        information = point.derivatives[2][np.ix_(free, free)]
        size = np.sqrt(np.diag(information))
        # Against what one observed row tells of a standard deviation of that size.
        unit = np.where(model.is_deviation[free], self.typical, 1.0)
        known = size * unit > _NO_INFORMATION**0.5
        if known.all():
            values, axes = np.linalg.eigh(information / np.outer(size, size))
            lost = axes[:, values < _NO_INFORMATION]
            if lost.size == 0:
                return
            bad = np.abs(lost).max(axis=1) > 0.05
        else:
            bad = ~known
        named = [self.names[i] for i in free[bad]]
        raise TrialpoolError(_not_identified(named, self.parts, len(self.yi)))


def _apart(part: Part) -> list[str]:
    """Correlations of UN whose two levels no group has both of."""
    if part.structure.code != "UN":
        return []
    pairs = zip(*np.triu_indices(part.structure.m, 1), strict=True)
    has = _observed(part)
    names = zip(part.correlation_names, pairs, strict=True)
    return [name for name, (a, b) in names if not (has[:, a] & has[:, b]).any()]


def _observed(part: Part) -> NDArray[np.bool_]:
    """Which group has which level, (groups, levels)."""
    has = np.zeros((len(part.groups), part.structure.m), dtype=bool)
    has[part.outer, part.inner] = True
    return has


def _not_identified(names: Sequence[str], parts: Sequence[Part], k: int) -> str:
    listed = "; ".join(names)
    hints = []
    for part in parts:
        if not any(name in (*part.variance_names, *part.correlation_names) for name in names):
            continue
        n = len(part.groups)
        if n == 1:
            hints.append(f"{part.name} has one level only, which the mean already describes")
        elif part.kind == "sigma2" and n == k:
            hints.append(f"{part.name} has a level of its own for each of the {k} rows")
        elif part.kind == "sigma2":
            hints.append(f"{part.name} has {n} levels for {k} rows")
        else:
            hints += _of_levels(part, names)
    why = "; ".join(hints)
    return (
        f"random effects: the data cannot tell {listed}{' (' + why + ')' if why else ''}. Leave out"
        " a random effect, or choose a structure with fewer parameters"
    )


def _of_levels(part: Part, names: Sequence[str]) -> list[str]:
    """What is missing for a structured part: rows that share a group, or groups with a level."""
    has = _observed(part)
    out = []
    if len(part.groups) == len(part.outer):
        out.append(f"each level of {part.name.split(' | ')[1]} has one row")
    for a, b in zip(*np.triu_indices(part.structure.m, 1), strict=True):
        pair = f"rho {part.name}: {part.levels[a]}, {part.levels[b]}"
        if pair in names and not (has[:, a] & has[:, b]).any():
            out.append(f"{part.levels[a]} and {part.levels[b]} are never observed together")
    out += [
        f"{part.levels[a]} is observed {int(has[:, a].sum())} time"
        for a in range(part.structure.m)
        if f"tau2 {part.name}: {part.levels[a]}" in names and has[:, a].sum() == 1
    ]
    return out

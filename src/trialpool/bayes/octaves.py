"""The joint density of a mean and tau, given likelihoods that need not be normal.

tau is cut into octaves. Each has an even grid of the mean, as fine as its least tau asks and as wide
as the posterior there reaches. A random effect is a convolution with a normal density, which Fourier
transforms do exactly however small tau is. Likelihoods sharper than the grid come onto it with the
octave's least tau on top, integrated at Gauss-Legendre nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from trialpool.bayes.panels import Distribution, OnPanels, Panels, Piece, Waves
from trialpool.bayes.likelihoods import COARSEST, Likelihood, Table, rough, slopes
from trialpool.results import Array, TrialpoolError

NEGLIGIBLE = 30.0  # on the log scale, below the highest
_SIGMAS = 6.0  # of the normal density that a random effect spreads by
_PER_SD, _PER_TAU = 2.0, 2.0  # points of a grid in an SD of the mean, and in tau
_TAPER, _ROLL = 2.0, 12.0  # SD of the ends of a window, and its half width; steps
_ROUNDING = 1e-15  # of a density's height: below it transforms leave noise
_LOST, _LOST_SHARE = 1e-9, 1e-7  # a likelihood so low shows rounding; a posterior must not be there
_FORGOTTEN = 1e-9  # mass of an octave that is left out


class Octave:
    """Nodes of tau (t,), a grid of the mean (m,), and the log mass of the posterior (t, m)."""

    def __init__(
        self,
        studies: Sequence[Likelihood],
        scale: float,
        tau: Panels,
        step: float,
        support: tuple[float, float],
    ) -> None:
        self.panel, self.step, self._studies = tau, step, studies
        self.tau, self._least = tau.x.ravel(), float(tau.edges[0])
        pad = _SIGMAS * float(tau.edges[-1]) + 2 * _ROLL * step
        self.n = _smooth(math.ceil((support[1] - support[0] + 2 * pad) / step))
        self.low = support[0] - pad
        self.x = self.low + step * np.arange(self.n)
        self._omega = 2 * math.pi * np.fft.rfftfreq(self.n, step)
        self.inside = (self.x >= support[0]) & (self.x <= support[1])
        self.seen = np.array([study.step >= step * (1 - 1e-9) for study in studies])
        self._base()
        marginal = np.fft.irfft(self._spectra(), self.n)
        height = marginal.max(axis=2, keepdims=True)
        marginal = np.where(marginal > _ROUNDING * height, marginal, 0.0)
        self.marginal = marginal
        with np.errstate(divide="ignore"):
            logs = np.log(marginal).sum(axis=0) + self.offset.sum()
        prior = -((self.tau / scale) ** 2) / 2 + np.log(tau.w.ravel() * step)
        self.log_mass = np.where(self.inside, logs + prior[:, np.newaxis], -np.inf)

    def _base(self) -> None:
        """Likelihoods on the grid over their height there, the sharp ones with the least tau."""
        logs = []
        for study, seen in zip(self._studies, self.seen, strict=True):
            with np.errstate(divide="ignore"):
                logs.append(study.at(self.x) if seen else np.log(study.spread(self.x, self._least)))
        base = np.stack(logs)
        self.offset = base.max(axis=1)
        self.offset[~np.isfinite(self.offset)] = 0.0
        base = np.exp(base - self.offset[:, np.newaxis])
        # To nothing at the ends, without a jump.
        away = (np.minimum(self.x - self.low, self.x[-1] - self.x) / self.step - _ROLL) / _TAPER
        self.base = base * ndtr(away)

    def _spectra(self) -> Array:
        squares = self.tau**2 - np.where(self.seen, 0.0, self._least**2)[:, np.newaxis]
        factors = {
            seen: np.exp(
                -np.multiply.outer(squares[list(self.seen).index(seen)], self._omega**2) / 2
            )
            for seen in set(self.seen.tolist())
        }
        bases = np.fft.rfft(self.base)
        return np.stack(
            [base * factors[seen] for base, seen in zip(bases, self.seen.tolist(), strict=True)]
        )

    @cached_property
    def factor(self) -> Array:
        """What a random effect leaves of each wave, (t, f)."""
        return np.asarray(np.exp(-np.multiply.outer(self.tau**2, self._omega**2) / 2))

    def reach(self, height: float) -> tuple[float, float]:
        """Between which means the log mass is above a height."""
        some = np.flatnonzero(self.log_mass.max(axis=0) > height)
        return float(self.x[some[0]]) - self.step, float(self.x[some[-1]]) + self.step

    def ends(self) -> Array:
        """The highest log mass at both ends of the support."""
        some = np.flatnonzero(self.inside)
        return np.asarray(self.log_mass[:, some[[0, -1]]].max(axis=0))

    def waves(self, spectrum: Array) -> Waves:
        """A distribution on the grid."""
        return Waves(self.low, self.step, self.n, spectrum)


class Joint:
    """The posterior of mean and tau: flat prior of the mean, half-normal of tau."""

    def __init__(
        self, studies: Sequence[Likelihood], scale: float, ends: tuple[float, float]
    ) -> None:
        self._studies = studies
        octaves = _octaves(studies, scale, ends)
        top = max(float(each.log_mass.max()) for each in octaves)
        total = sum(float(np.exp(each.log_mass - top).sum()) for each in octaves)
        masses = [np.exp(each.log_mass - top) / total for each in octaves]
        # From the least tau upwards.
        self._all = list(zip(octaves, masses, strict=True))[::-1]
        self._parts = [(each, mass) for each, mass in self._all if mass.sum() > _FORGOTTEN]
        lost = sum(
            float(mass[(each.marginal < _LOST).any(axis=0)].sum()) for each, mass in self._parts
        )
        if lost > _LOST_SHARE:
            raise TrialpoolError(
                "studies too far apart for this prior of tau: the posterior is where one of them is "
                "all but impossible. Use a wider prior"
            )

    def mean(self) -> Distribution:
        """Of the mean."""
        return Distribution(
            [each.waves(np.fft.rfft(mass.sum(axis=0))) for each, mass in self._parts]
        )

    def new(self) -> Distribution:
        """Of a new study's true effect."""
        return Distribution(
            [
                each.waves((np.fft.rfft(mass) * each.factor).sum(axis=0))
                for each, mass in self._parts
            ]
        )

    def tau(self) -> Distribution:
        """Of the heterogeneity."""
        edges = [each.panel.edges[0] for each, _ in self._all] + [self._all[-1][0].panel.edges[1]]
        panels = Panels(np.array(edges))
        mass = np.stack([mass.sum(axis=1) for _, mass in self._all])
        return Distribution([OnPanels(panels, mass / panels.w)])

    def effect(self, i: int) -> Distribution:
        """Of a study's true effect: its likelihood times what the others say of a new one."""
        pieces: list[Piece] = []
        sharp: list[tuple[Waves, float]] = []
        for each, mass in self._parts:
            marginal = each.marginal[i]
            others = np.divide(mass, marginal, out=np.zeros_like(mass), where=marginal > 0)
            predicted = each.waves((np.fft.rfft(others) * each.factor).sum(axis=0))
            if each.seen[i]:
                pieces.append(each.waves(np.fft.rfft(predicted.values() * each.base[i])))
            else:
                sharp.append((predicted, float(each.offset[i])))
        if sharp:
            panels = self._studies[i].nodes(
                min(each.panel.edges[0] for each, _ in self._parts if not each.seen[i])
            )
            x = panels.x.ravel()
            log = self._studies[i].at(x)
            density = sum(waves.density(x) * np.exp(log - offset) for waves, offset in sharp)
            pieces.append(OnPanels(panels, np.reshape(density, panels.x.shape)))
        return Distribution(pieces)


def joint_posterior(measure: str, tables: Sequence[Table], scale: float) -> Joint:
    """The posterior from two-by-two tables that bound the mean on both sides."""
    centres, errors = (
        np.array(x) for x in zip(*(rough(measure, table) for table in tables), strict=True)
    )
    # Near its peak a likelihood falls as a normal one does, then by its slope; a product of tau and
    # a normal error as exp(-x / scale).
    near = math.sqrt(2 * NEGLIGIBLE) * float((errors**-2).sum()) ** -0.5
    below, above = (
        near + NEGLIGIBLE * (scale + 1 / sum(slope))
        for slope in zip(*(slopes(measure, table) for table in tables), strict=True)
    )
    ends = (float(centres.min()) - below, float(centres.max()) + above)
    return Joint([Likelihood(measure, table, ends) for table in tables], scale, ends)


def _octaves(
    studies: Sequence[Likelihood], scale: float, ends: tuple[float, float]
) -> list[Octave]:
    """From the largest tau downwards, each where the one before it found the posterior."""
    centre = np.array([study.centre for study in studies])
    variance = np.array([study.sd for study in studies]) ** 2
    finest = min(study.step for study in studies)
    coarsest = COARSEST if any(study.endless for study in studies) else math.inf
    mean = (centre / variance).sum() / (1 / variance).sum()
    misfit = float(((centre - mean) ** 2 / variance).sum())
    # What studies that differ gain over tau = 0 is at most half their Q.
    most = scale * math.sqrt(2 * NEGLIGIBLE + misfit)
    count = max(1, math.ceil(math.log2(most / (_PER_TAU * finest))) + 1)
    edges = most / 2.0 ** np.arange(count)
    out: list[Octave] = []
    support, best = ends, -math.inf
    for high, low in zip(edges, [*edges[1:], 0.0], strict=True):
        error = float((1 / (variance + low**2)).sum()) ** -0.5
        step = min(error / _PER_SD, low / _PER_TAU if low else finest, coarsest)
        while True:
            octave = Octave(studies, scale, Panels(np.array([low, high])), step, support)
            most_here = float(octave.log_mass.max())
            best = max(best, most_here)
            open_ends = octave.ends() > best - NEGLIGIBLE
            if not open_ends.any() or support == ends:
                break
            width = support[1] - support[0]
            support = (
                max(ends[0], support[0] - width * open_ends[0]),
                min(ends[1], support[1] + width * open_ends[1]),
            )
        if open_ends.any():
            raise TrialpoolError(
                "the posterior of mu has no end within reach: use another prior of tau"
            )
        out.append(octave)
        if most_here > best - NEGLIGIBLE:
            support = octave.reach(best - NEGLIGIBLE)
    return out


def _smooth(n: int) -> int:
    """The next whole number that is a power of 2, or 3 or 5 times one: quick to transform."""
    return min(f * 2 ** max(0, math.ceil(math.log2(n / f))) for f in (1, 3, 5, 15))

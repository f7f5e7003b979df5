"""The posterior of a mean and tau, given likelihoods of ratios that need not be normal.

tau is cut into octaves. Each has an even grid of the mean, as fine as its least tau asks and as
wide as the posterior there reaches. A random effect is a convolution with a normal density, which
Fourier transforms do exactly however small tau is. A likelihood sharper than the grid comes onto it
with the octave's least tau on top, integrated at Gauss-Legendre nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from trialpool.bayes.likelihoods import COARSEST, RatioLikelihood, TwoArms, rough, slopes
from trialpool.bayes.panels import Distribution, OnPanels, Panels, Piece, Spectrum, Waves
from trialpool.results import Array, NoPosteriorError, TrialpoolError

_NEGLIGIBLE = 27.0  # on the log scale, below the highest
_SIGMAS = 5.5  # of the normal density that a random effect spreads by
_PER_SD, _PER_TAU = 2.0, 2.0  # points of a grid in an SD of the mean, and in tau
_TAPER, _ROLL = 2.0, 12.0  # SD of the slopes at the ends of a grid, and half their width, in steps
# Where a kink at 0 lies between two points of a grid, so that a sum's first error is 0: the root of
# x^2 - x + 1/6 (Euler and Maclaurin).
_CORNER = (1 - 1 / math.sqrt(3)) / 2
_ROUNDING, _NOISE = 1e-15, 1e-13  # of a density's height: a transform's, and none is seen below
_INEXACT = 1e-7  # of the posterior by rounding: it is refused
_FORGOTTEN = 1e-9  # mass of an octave that is left out
_WIDEST = 10.0  # scale of tau: effects a factor of 22,000 apart


class Octave:
    """The posterior between two values of tau.

    `x` (m,) is the grid of the mean, `marginal` (k, t, m) each likelihood with its true effect
    integrated out at the nodes of tau, `log_mass` (t, m) of the posterior, up to a constant.
    """

    def __init__(
        self,
        studies: Sequence[RatioLikelihood],
        scale: float,
        tau: Panels,
        step: float,
        support: tuple[float, float],
    ) -> None:
        self.panel, self.step, self._tau = tau, step, tau.x.ravel()
        pad = _SIGMAS * float(tau.edges[-1]) + 2 * _ROLL * step
        self.n = _quick(math.ceil((support[1] - support[0] + 2 * pad) / step))
        first = math.floor((support[0] - pad) / step) + _CORNER
        self.x: Array = np.asarray(step * (first + np.arange(self.n)))
        self.shown = np.array([study.step >= step for study in studies])
        self.base, self.offset = self._base(studies, float(tau.edges[0]))
        factors = np.stack([self._factor(float(tau.edges[0])), self.factor])
        spectra = np.fft.rfft(self.base)[:, np.newaxis] * factors[self.shown.astype(int)]
        marginal = np.fft.irfft(spectra, self.n)
        height = marginal.max(axis=2, keepdims=True)
        self.marginal = np.where(marginal > _NOISE * height, marginal, 0.0)
        with np.errstate(divide="ignore"):
            logs = np.log(self.marginal).sum(axis=0) + self.offset.sum()
        prior = -((self._tau / scale) ** 2) / 2 + np.log(tau.w.ravel() * step)
        inside = (self.x >= support[0]) & (self.x <= support[1])
        self.log_mass = np.where(inside, logs + prior[:, np.newaxis], -np.inf)
        self.top = float(self.log_mass.max())
        ends = np.flatnonzero(inside)[[0, -1]]
        self.top_at_ends = float(self.log_mass[:, ends].max())

    def reach(self, height: float) -> tuple[float, float]:
        """Between which means the log mass is above a height."""
        some = np.flatnonzero(self.log_mass.max(axis=0) > height)
        return float(self.x[some[0]]) - self.step, float(self.x[some[-1]]) + self.step

    def waves(self, spectrum: Spectrum) -> Waves:
        """A distribution on the grid."""
        return Waves(float(self.x[0]), self.step, self.n, spectrum)

    def spread(self, mass: Array) -> Spectrum:
        """The spectrum of masses (t, m), each with a random effect of its tau on top."""
        return np.asarray((np.fft.rfft(mass) * self.factor).sum(axis=0))

    @cached_property
    def factor(self) -> Array:
        """What a random effect of each tau leaves of each wave, (t, f)."""
        return self._factor(0.0)

    def _factor(self, least: float) -> Array:
        omega = 2 * math.pi * np.fft.rfftfreq(self.n, self.step)
        return np.asarray(np.exp(-np.multiply.outer(self._tau**2 - least**2, omega**2) / 2))

    def _base(self, studies: Sequence[RatioLikelihood], least: float) -> tuple[Array, Array]:
        """Likelihoods on the grid over their height there, and its log.

        Those sharper than the grid have a random effect of the least tau on top.
        """
        with np.errstate(divide="ignore"):
            logs = np.stack(
                [
                    study.at(self.x) if shown else np.log(study.spread(self.x, least))
                    for study, shown in zip(studies, self.shown, strict=True)
                ]
            )
        offset = logs.max(axis=1)
        offset[~np.isfinite(offset)] = 0.0
        # To nothing at the ends, without a jump.
        away = np.minimum(self.x - self.x[0], self.x[-1] - self.x) / self.step
        return np.exp(logs - offset[:, np.newaxis]) * ndtr((away - _ROLL) / _TAPER), offset


class JointPosterior:
    """The posterior of mean and tau: flat prior of the mean, half-normal one of tau.

    Raises
    ------
    NoPosteriorError
        studies with which rounding would show under this prior of tau
    TrialpoolError
        a prior of tau that is too wide
    """

    def __init__(self, measure: str, tables: Sequence[TwoArms], scale: float) -> None:
        if scale > _WIDEST:
            raise TrialpoolError(f"tau_scale = {scale:g}: of a log ratio, at most {_WIDEST:g}")
        ends = _ends(measure, tables, scale)
        self._studies = [RatioLikelihood(measure, table, ends) for table in tables]
        octaves = _octaves(self._studies, scale, ends)
        top = max(each.top for each in octaves)
        masses = [np.exp(each.log_mass - top) for each in octaves]
        total = sum(float(mass.sum()) for mass in masses)
        self._all = [(each, mass / total) for each, mass in zip(octaves, masses, strict=True)]
        self._parts = [(each, mass) for each, mass in self._all if mass.sum() > _FORGOTTEN]
        if sum(self._rounding(each, mass) for each, mass in self._parts) > _INEXACT:
            raise NoPosteriorError(
                "studies too far apart for this prior of tau: the posterior lies where one of them "
                "is all but impossible. Use a wider prior"
            )

    @staticmethod
    def _rounding(octave: Octave, mass: Array) -> float:
        """How much of its mass rounding may have changed."""
        least = octave.marginal.min(axis=0)
        return float((mass[least > 0] * _ROUNDING / least[least > 0]).sum())

    def mean(self) -> Distribution:
        """Of the mean."""
        return Distribution(
            [each.waves(np.fft.rfft(mass.sum(axis=0))) for each, mass in self._parts]
        )

    def new(self) -> Distribution:
        """Of a new study's true effect."""
        return Distribution([each.waves(each.spread(mass)) for each, mass in self._parts])

    def tau(self) -> Distribution:
        """Of the heterogeneity."""
        upwards = self._all[::-1]
        edges = [0.0, *(float(each.panel.edges[1]) for each, _ in upwards)]
        panels = Panels(np.array(edges))
        mass = np.stack([mass.sum(axis=1) for _, mass in upwards])
        return Distribution([OnPanels(panels, mass / panels.w)])

    def effect(self, i: int) -> Distribution:
        """Of a study's true effect: its likelihood times what the others say of a new one."""
        study, pieces = self._studies[i], list[Piece]()
        sharp: list[tuple[Octave, Waves]] = []
        for each, mass in self._parts:
            marginal = each.marginal[i]
            others = np.divide(mass, marginal, out=np.zeros_like(mass), where=marginal > 0)
            predicted = each.waves(each.spread(others))
            if each.shown[i]:
                pieces.append(each.waves(np.fft.rfft(predicted.values() * each.base[i])))
            else:
                sharp.append((each, predicted))
        if sharp:
            panels = study.nodes(min(float(each.panel.edges[0]) for each, _ in sharp))
            x = panels.x.ravel()
            density = sum(
                predicted.below(x)[1] * np.exp(study.at(x) - each.offset[i])
                for each, predicted in sharp
            )
            pieces.append(OnPanels(panels, np.reshape(density, panels.x.shape)))
        return Distribution(pieces)


def _ends(measure: str, tables: Sequence[TwoArms], scale: float) -> tuple[float, float]:
    """Means beyond which nothing of the posterior lies, of studies that bound it on both sides."""
    centre, error = np.array([rough(measure, table) for table in tables]).T
    # Near its peak a likelihood falls as a normal one does, then by its slope; a product of tau and
    # a normal error as exp(-x / scale).
    near = math.sqrt(2 * _NEGLIGIBLE / float((error**-2).sum()))
    below, above = (
        near + _NEGLIGIBLE * (scale + 1 / sum(slope))
        for slope in zip(*(slopes(measure, table) for table in tables), strict=True)
    )
    return float(centre.min()) - below, float(centre.max()) + above


def _octaves(
    studies: Sequence[RatioLikelihood], scale: float, ends: tuple[float, float]
) -> list[Octave]:
    """From the largest tau downwards, each where the one before it showed the posterior."""
    variance = np.array([study.error for study in studies]) ** 2
    finest = min(study.step for study in studies)
    coarsest = COARSEST if any(study.endless for study in studies) else math.inf
    most = _most(np.array([study.centre for study in studies]), variance, scale)
    edges = most / 2.0 ** np.arange(1 + max(0, math.ceil(math.log2(most / (_PER_TAU * finest)))))
    out: list[Octave] = []
    support, best = ends, -math.inf
    for high, low in zip(edges, [*edges[1:], 0.0], strict=True):
        error = float((1 / (variance + low**2)).sum()) ** -0.5
        step = min(error / _PER_SD, low / _PER_TAU if low else finest, coarsest)
        panel = Panels(np.array([low, high]))
        while True:
            octave = Octave(studies, scale, panel, step, support)
            best = max(best, octave.top)
            if support == ends or octave.top_at_ends < best - _NEGLIGIBLE:
                break
            width = support[1] - support[0]
            support = max(ends[0], support[0] - width), min(ends[1], support[1] + width)
        out.append(octave)
        if octave.top > best - _NEGLIGIBLE:
            support = octave.reach(best - _NEGLIGIBLE)
    # Rounding of a transform may stand at an end, so that this is no higher bar than for the rest.
    if max(octave.top_at_ends for octave in out) > best + math.log(_FORGOTTEN):
        raise NoPosteriorError("the posterior of the mean has no end within reach")
    return out


def _most(centre: Array, variance: Array, scale: float) -> float:
    """The largest tau left: what studies that differ gain over tau = 0 is at most half their Q."""
    mean = (centre / variance).sum() / (1 / variance).sum()
    q = float(((centre - mean) ** 2 / variance).sum())
    return scale * math.sqrt(2 * _NEGLIGIBLE + q)


def _quick(n: int) -> int:
    """The next whole number that is quick to transform: a power of 2, or 3, 5 or 15 times one."""
    powers = (f << max(0, math.ceil(math.log2(n / f))) for f in (1, 3, 5, 15))
    return min(powers)

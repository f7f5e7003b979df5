"""Functions as polynomials of panels; distributions of such parts, or of Fourier series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.special import ndtri

from trialpool.results import Array

Spectrum = NDArray[np.complex128]
NODES = 16  # Gauss-Legendre nodes per panel
_STEPS = 200
_DECIMALS = 12  # of a probability: a sum of waves is good to some 1e-16
_ENOUGH = 1e-5  # of a distribution's SD: Newton's next step would be its square


class Panels:
    """Neighbouring panels with Gauss-Legendre nodes x (p, n) and weights w (p, n)."""

    def __init__(self, edges: Array) -> None:
        self.edges = edges
        x, w, _ = _basis()
        half = np.diff(edges)[:, np.newaxis] / 2
        self.x: Array = edges[:-1, np.newaxis] + half * (1 + x)
        self.w: Array = half * w

    def at(self, values: Array, x: Array) -> Array:
        """At x (m,) the polynomials through values (p, n) at the nodes."""
        i, t, _ = self.place(x)
        return np.asarray((legendre.legvander(t, NODES - 1) * coefficients(values)[i]).sum(axis=1))

    def place(self, x: Array) -> tuple[NDArray[np.intp], Array, Array]:
        """Panel of each x, where in it from -1 to 1, and half its width."""
        i = np.clip(np.searchsorted(self.edges, x) - 1, 0, len(self.edges) - 2)
        half = (self.edges[i + 1] - self.edges[i]) / 2
        return i, np.clip((x - self.edges[i]) / half - 1, -1, 1), half


class Piece(Protocol):
    """A part of a distribution."""

    @property
    def ends(self) -> tuple[float, float]:
        """Where it begins and ends."""

    def moments(self) -> Array:
        """Its mass, and the sums of x and x^2."""

    def below(self, x: Array) -> tuple[Array, Array]:
        """Its mass below each x, and its density there."""


class OnPanels:
    """A part with a density known at the nodes of panels, (p, n)."""

    def __init__(self, panels: Panels, density: Array) -> None:
        self._panels, self._mass = panels, panels.w * density
        self.ends = (float(panels.edges[0]), float(panels.edges[-1]))
        series = coefficients(density)
        self._series = np.pad(series, ((0, 0), (0, 1)))
        self._integral = legendre.legint(series, lbnd=-1, axis=1)
        self._whole = np.concatenate([[0.0], self._mass.sum(axis=1).cumsum()])

    def moments(self) -> Array:
        """Its mass, and the sums of x and x^2."""
        return np.array([(self._mass * self._panels.x**n).sum() for n in range(3)])

    def below(self, x: Array) -> tuple[Array, Array]:
        """Its mass below each x, and its density there."""
        i, t, half = self._panels.place(x)
        basis = legendre.legvander(t, NODES)
        mass = self._whole[i] + half * (basis * self._integral[i]).sum(axis=1)
        inside = (x > self.ends[0]) & (x < self.ends[1])
        return mass, np.where(inside, (basis * self._series[i]).sum(axis=1), 0.0)


class Waves:
    """A part with a smooth density that ends within an even grid, as its Fourier series.

    `spectrum` is the real transform of the mass at the n points low, low + step, ...
    """

    def __init__(self, low: float, step: float, n: int, spectrum: Spectrum) -> None:
        self._low, self._step, self._n, self._spectrum = low, step, n, spectrum
        self.ends = (low, low + step * n)
        # Waves of the density and of its integral, in blocks: frequency = block * row + column.
        block = math.isqrt(len(spectrum)) + 1
        self._fine = 2j * math.pi / (n * step) * np.arange(block)
        self._coarse = block * self._fine
        waves = np.zeros((2, block * block), dtype=np.complex128)
        waves[0, : len(spectrum)] = spectrum
        waves[1, 1 : len(spectrum)] = (
            spectrum[1:] * n * step / (2j * math.pi * np.arange(1, len(spectrum)))
        )
        self._waves = waves.reshape(2 * block, block).T
        self._whole, self._start = float(spectrum[0].real), float(waves[1].real.sum())

    def values(self) -> Array:
        """The mass at the points of the grid."""
        return np.asarray(np.fft.irfft(self._spectrum, self._n))

    def moments(self) -> Array:
        """Its mass, and the sums of x and x^2."""
        x = self._low + self._step * np.arange(self._n)
        return np.asarray(np.stack([np.ones(self._n), x, x * x]) @ self.values())

    def below(self, x: Array) -> tuple[Array, Array]:
        """Its mass below each x, and its density there."""
        u = np.clip(x - self._low, 0.0, self._n * self._step)
        fine, coarse = (np.exp(np.multiply.outer(u, unit)) for unit in (self._fine, self._coarse))
        sums = (fine @ self._waves).reshape(len(u), 2, -1) * coarse[:, np.newaxis]
        density, mass = sums.sum(axis=2).real.T
        mass = self._whole * u + 2 * (mass - self._start)
        density = np.where((x > self.ends[0]) & (x < self.ends[1]), 2 * density - self._whole, 0.0)
        return mass / (self._n * self._step), density / (self._n * self._step)


class Distribution:
    """A distribution of several parts, whose masses add up to 1."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        _, self._mean, square = np.sum([piece.moments() for piece in pieces], axis=0)
        self._sd = math.sqrt(max(square - self._mean**2, 1e-300))

    def below(self, x: float) -> float:
        """Probability below x; what transforms round differently on other processors is cut off."""
        mass = float(np.clip(self._below(np.array([x]))[0][0], 0.0, 1.0))
        return round(mass, _DECIMALS)

    def beyond(self, bound: float, side: int) -> float:
        """Probability of `bound` and more in the direction of `side`, 1 or -1, from 0."""
        below = self.below(side * bound)
        return below if side < 0 else 1 - below

    def quantiles(self, probs: Sequence[float]) -> list[float]:
        """Where it reaches each probability: Newton's steps, kept in their brackets."""
        p = np.array(probs)
        low = np.full(len(p), min(piece.ends[0] for piece in self._pieces))
        high = np.full(len(p), max(piece.ends[1] for piece in self._pieces))
        x = np.clip(self._mean + ndtri(p) * self._sd, low, high)
        last, done = high - low, np.zeros(len(p), dtype=np.bool_)
        for _ in range(_STEPS):
            mass, density = self._below(x)
            excess = mass - p
            low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
            with np.errstate(divide="ignore", invalid="ignore"):
                new = x - excess / density
            # Halved where Newton leaves the bracket, or shrinks too slowly.
            near = (new >= low) & (new <= high) & (np.abs(new - x) <= last / 2)
            new = np.where(near, new, (low + high) / 2)
            last = np.abs(new - x)
            x = np.where(done, x, new)
            done |= near & (last <= _ENOUGH * self._sd)
            if done.all():
                break
        return [float(value) for value in x]

    def _below(self, x: Array) -> tuple[Array, Array]:
        mass, density = zip(*(piece.below(x) for piece in self._pieces), strict=True)
        return np.sum(mass, axis=0), np.sum(density, axis=0)


def coefficients(values: Array) -> Array:
    """Legendre coefficients of each panel, from values (p, n) at its nodes."""
    return np.asarray(values @ _basis()[2])


@cache
def _basis() -> tuple[Array, Array, Array]:
    """Nodes and weights on -1 to 1, and what turns values there into Legendre coefficients."""
    x, w = legendre.leggauss(NODES)
    turn = w[:, np.newaxis] * legendre.legvander(x, NODES - 1) * (np.arange(NODES) + 0.5)
    return x, w, np.asarray(turn)

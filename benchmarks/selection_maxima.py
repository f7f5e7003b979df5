"""Does the search of selection models miss a higher maximum? Run with the number of sets, 1000.

Simulated sets of 6 to 39 studies, some of them selected by p, against 25 random starts each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trialpool.diagnostics import selection_search as search

Array = NDArray[np.float64]
KINDS = ("step", "beta", "halfnorm", "negexp")
STARTS, MISSED = 25, 1e-6


def sets(count: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Effects and variances; a study that is not significant may not be seen."""
    for _ in range(count):
        k = int(rng.integers(6, 40))
        v = np.exp(rng.uniform(np.log(0.005), np.log(0.5), k))
        tau, mean = rng.choice([0, 0.1, 0.4, 1.0]), rng.choice([0, 0.2, 0.6])
        y: list[float] = []
        while len(y) < k:
            x = mean + rng.normal() * np.sqrt(tau**2 + v[len(y)])
            if x > 1.96 * np.sqrt(v[len(y)]) or rng.random() < rng.choice([0.05, 0.3, 1.0]):
                y.append(float(x))
        yield np.array(y), v


def main(count: int, seed: int = 1) -> None:
    """Print by kind: sets, how many were missed, the largest gap, milliseconds a fit."""
    rng = np.random.default_rng(seed)
    table = {kind: [0, 0, 0.0, 0.0] for kind in KINDS}
    for i, (y, v) in enumerate(sets(count, rng)):
        kind = KINDS[i % len(KINDS)]
        with np.errstate(all="ignore"):
            p = search.set_up(y, v, kind, np.array([0.025]), "greater", random=True)[0]
            begun = time.process_time()
            top = search.maximise(p)
            spent = time.process_time() - begun
            best = max(search._climb(p, search._moved(p, start)).value for start in _random(p, rng))
        row = table[kind]
        row[0] += 1
        row[1] += best - top.value > MISSED
        row[2] = max(row[2], best - top.value)
        row[3] += 1000 * spent
    for kind, (n, missed, gap, spent) in table.items():
        print(f"{kind}: {n} sets, {missed} missed, largest gap {gap:.4f}, {spent / n:.1f} ms a fit")


def _random(p: search.SelectionProblem, rng: np.random.Generator) -> Iterator[Array]:
    for _ in range(STARTS):
        mean = rng.normal() * 1.5 * p.y.std() + p.y.mean()
        tau2 = rng.choice([0.0, np.exp(rng.uniform(-4, 4))])
        yield np.array([mean, tau2, *np.exp(rng.uniform(-5, 3, len(p.names)))])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

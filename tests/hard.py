"""Study sets whose likelihood of tau2 has several maxima."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Studies = tuple[NDArray[np.float64], NDArray[np.float64]]

# Three precise studies that agree and two vague ones far off.
PRECISE_AND_VAGUE = (
    np.array([0.0, 0.02, -0.02, 3.0, -2.5]),
    np.array([1e-4, 1e-4, 1e-4, 1.0, 1.0]),
)


def heavy_tailed(seed: int) -> Studies:
    """3 to 12 studies, t effects with 1.5 df, variances log-uniform over six orders."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 13))
    v = 10 ** rng.uniform(-6, 0, k)
    return rng.standard_t(1.5, k) * rng.uniform(0.01, 1), v


# Seeds of `heavy_tailed`, found by trying 3000: what has how many maxima.
SEEDS = {
    ("REML", 3): (1545,),
    ("REML", 2): (108,),
    ("ML", 3): (35, 1964),
    ("ML", 2): (94, 108, 132, 191, 214, 233, 291, 310, 337, 348, 353, 365),
}

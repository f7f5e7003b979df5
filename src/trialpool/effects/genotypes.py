"""Counts of genotypes: departure from the Hardy-Weinberg equilibrium."""

from __future__ import annotations

import numpy as np

from trialpool.effects.registry import Estimate, measure
from trialpool.effects.scales import LOG
from trialpool.effects.zero_cells import STILL_ZERO, TO, added, described
from trialpool.results import Array


@measure(
    "REH",
    title="relative excess heterozygosity",
    scale=LOG,
    needs=("ai", "bi", "ci"),
    choices={"to": TO},
)
def relative_excess_heterozygosity(
    ai: Array, bi: Array, ci: Array, *, add: float = 0.5, to: str = "only0"
) -> Estimate:
    """Log of the relative excess heterozygosity, bi/(2 sqrt(ai ci)).

    Parameters
    ----------
    ai, bi, ci : (k,) people with two dominant, two different and two recessive alleles
    add : number added to all three counts of the studies that `to` names
    to : "only0", "all", "if0all" or "none", as for OR

    Returns
    -------
    Effects on the log scale, 0 in equilibrium

    References
    ----------
    Ziegler, Van Steen & Wellek 2011, Breast Cancer Res Treat 128:197
    """
    extra = added((ai == 0) | (bi == 0) | (ci == 0), add, to)
    a, b, c = ai + extra, bi + extra, ci + extra
    yi = np.log(b) - np.log(2 * np.sqrt(a * c))
    vi = 1 / b + 1 / (4 * a) + 1 / (4 * c)
    rules = [
        (ai < 0, "ai < 0"),
        (bi < 0, "bi < 0"),
        (ci < 0, "ci < 0"),
        ((a == 0) | (b == 0) | (c == 0), STILL_ZERO),
    ]
    return Estimate(yi, vi, f"log REH, {described(add, to, 'counts')}", rules)

"""Of meta_pkg: tests of asymmetry of `metabin` (odds ratios) and `metacont`."""

from __future__ import annotations

from functools import partial

import numpy as np

from conformity.ledger import CLOSED, Ledger
from conformity.reference import Array, Node
from conformity.small_study import METABIAS
from trialpool.diagnostics.asymmetry import Egger, egger
from trialpool.diagnostics.asymmetry_counts import COUNT_TESTS, count_test, smd_test
from trialpool.effects import effect_size


def compare(ledger: Ledger, root: Node) -> None:
    """Every test the library has."""
    inputs = {name: node.floats() for name, node in root.get("inputs").items()}
    for _, analysis in root.get("analyses").items():
        package = analysis.get("meta_pkg")
        counts = package.get("metabin_bias")
        if counts:
            table = _table(inputs)
            for kind in COUNT_TESTS:
                run = partial(count_test, *table, kind=kind)
                _one(ledger, counts.get(kind), run, f"meta.metabin_bias.{kind}")
            ratios = effect_size("OR", ai=table[0], n1i=table[1], ci=table[2], n2i=table[3])
            run = partial(egger, ratios.yi, ratios.vi, model="lm")
            _one(ledger, counts.get("Egger"), run, "meta.metabin_bias.Egger")
        scores = package.get("metacont_bias")
        if scores:
            # meta's own variances, which differ a little from metafor's.
            given = package.get("metacont", "SMDHedges")
            y, v = given.get("TE").floats(), given.get("seTE").floats() ** 2
            run = partial(egger, y, v, model="lm")
            _one(ledger, scores.get("Egger"), run, "meta.metacont_bias.Egger")
            run = partial(smd_test, y, v, inputs["n1i"], inputs["n2i"])
            _one(ledger, scores.get("Pustejovsky"), run, "meta.metacont_bias.Pustejovsky")


def _table(inputs: dict[str, Array]) -> tuple[Array, Array, Array, Array]:
    """Events and patients, whichever way the file counts them."""
    a, c = inputs["ai"], inputs["ci"]
    n1 = inputs["n1i"] if "n1i" in inputs else a + inputs["bi"]
    n2 = inputs["n2i"] if "n2i" in inputs else c + inputs["di"]
    return a, n1, c, n2


def _one(ledger: Ledger, node: Node, run: partial[Egger], quantity: str) -> None:
    if not node:
        return
    ours = ledger.attempt(quantity, node, CLOSED, run)
    if ours is None:
        return
    for name, field in METABIAS.items():
        mine = getattr(ours, field)
        # metabias gives the line's height at a size of 0, where no study can be.
        if name.endswith("intercept") and np.isnan(mine):
            ledger.differs("a study of size 0", node.get(name))
        else:
            # A slope per patient is as small as trials are large.
            unit = abs(ours.slope) if "bias" in name else 1.0
            ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)
    phi = np.sqrt(ours.dispersion)
    ledger.compare(f"{quantity}.tau2_or_phi", node.get("tau2_or_phi"), phi, CLOSED)

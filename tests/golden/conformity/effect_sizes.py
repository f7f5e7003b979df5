"""Section `escalc`: effects and sampling variances, one set of options at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import trialpool as tp
from conformity.ledger import CLOSED, COARSE, NEAR_ZERO, Ledger
from conformity.reference import Array, Node
from trialpool.effects import MEASURES
from trialpool.effects.registry import Measure

# What escalc does by default and ours only by name: studies without events have a ratio, what is
# added to the cells goes into a risk difference as well, and into Peto's odds ratio.
_DEFAULTS: dict[str, dict[str, Any]] = {"RD": {"corrects": "both"}, "PETO": {"add": 0.5}}
# Until metafor 4 these had no correction for small samples; ours has it as an option.
_UNCORRECTED_BEFORE_4 = ("ROM", "ROMC", "MNLN")
# And these had another formula, which ours has not.
_OTHER_BEFORE_4 = {
    "yi": ("CVR", "CVRC", "CVLN"),
    "vi": ("SMDH", "SMD1H", "SMCRH", "PCOR", "ZPCOR"),
}


def compare(ledger: Ledger, root: Node) -> None:
    """Effects and variances of every id whose measure and options the library has."""
    old = int((root.get("software", "metafor").value or "9").split(".")[0]) < 4
    for name, entry in root.get("escalc").items():
        with ledger.reading(entry):
            spec = MEASURES.get(entry.get("measure").value)
            options = None if spec is None else _options(spec, entry.get("options").value or {})
            if spec is None or options is None:
                continue
            if old and spec.name in _UNCORRECTED_BEFORE_4:
                options["correction"] = "none"
            _one(ledger, entry, spec, _columns(spec, root), options, f"escalc.{name}", old=old)


def _one(
    ledger: Ledger,
    entry: Node,
    spec: Measure,
    columns: dict[str, Array],
    options: dict[str, Any],
    quantity: str,
    *,
    old: bool,
) -> None:
    lacking = [name for name in spec.needs if not _given(spec, name, columns)]
    if lacking:
        ledger.cannot_read(f"{spec.name}: the inputs have no {', '.join(lacking)}", entry)
        return
    ours = ledger.attempt(quantity, entry, CLOSED, tp.effect_size, spec.name, **columns, **options)
    if ours is None:
        return
    yi, vi = entry.get("yi").floats(), entry.get("vi").floats()
    positive = vi[vi > 0]
    size = float(np.median(positive)) if positive.size else 1.0
    skipped: NDArray[np.bool_] = np.zeros(yi.shape, dtype=bool)
    for why, mask in _not_comparable(spec, columns, options, yi, vi, ours.vi).items():
        if mask.any():
            ledger.differs(why, entry.get("vi"), int(mask.sum()))
            skipped |= mask
    coarse = spec.name == "RTET"
    kind = COARSE if coarse else CLOSED
    # What is found by a coarse search is judged on the scale of its standard error.
    effect = np.sqrt(size) / (NEAR_ZERO if coarse else 1)
    for column, mine, unit in (("yi", ours.yi, effect), ("vi", ours.vi, size)):
        node = entry.get(column)
        if old and spec.name in _OTHER_BEFORE_4[column]:
            ledger.differs("older formula", node, int((~skipped).sum()))
        else:
            ledger.compare(f"{quantity}.{column}", node, mine, kind, unit, ~skipped)


def _given(spec: Measure, name: str, columns: dict[str, Array]) -> bool:
    parts = spec.derived[name][0] if name in spec.derived else (name,)
    return name in columns or all(part in columns for part in parts)


def _options(spec: Measure, theirs: dict[str, Any]) -> dict[str, Any] | None:
    """The options of metafor under our names; None where the measure lacks one of them."""
    ours: dict[str, Any] = {}
    for key, value in theirs.items():
        if key == "vtype":
            ours["variance"] = value
        elif key == "correct":
            ours |= {} if value else {"correction": "none"}
        else:
            ours[key] = value
    if "drop00" in spec.options:
        ours.setdefault("drop00", False)
    ours = _DEFAULTS.get(spec.name, {}) | ours
    known = all(
        key in spec.options and value in spec.choices.get(key, (value,))
        for key, value in ours.items()
    )
    return ours if known else None


def _columns(spec: Measure, root: Node) -> dict[str, Array]:
    """The columns of the file that a measure knows: its own, and those they follow from."""
    parts = {part for columns, _ in spec.derived.values() for part in columns}
    known = {*spec.needs, *spec.ignores, *parts}
    return {name: node.floats() for name, node in root.get("inputs").items() if name in known}


def _not_comparable(
    spec: Measure,
    columns: dict[str, Array],
    options: dict[str, Any],
    yi: Array,
    vi: Array,
    our_vi: Array,
) -> dict[str, NDArray[np.bool_]]:
    """Studies whose numbers differ by definition, by the name of the difference."""
    no_effect = np.isnan(yi) & np.isfinite(vi) & np.isnan(our_vi)
    out = {"zero variance": vi == 0, "variance without an effect": no_effect}
    if options.get("variance") == "AV":
        out["mean over studies"] = np.isnan(vi) & np.isfinite(our_vi)
    if spec.name == "RR" and options["drop00"]:
        out["events in everyone"] = np.isnan(yi) & np.isfinite(our_vi)
    if spec.name == "RTET":
        a, c = columns["ai"], columns["ci"]
        b = columns["bi"] if "bi" in columns else columns["n1i"] - a
        d = columns["di"] if "di" in columns else columns["n2i"] - c
        out["no tetrachoric correlation"] = (
            (a * b * c * d == 0) & np.isnan(our_vi) & np.isfinite(vi)
        )
    if spec.name == "UCOR":
        ri, ni = columns["ri"], columns["ni"]
        small = (ri != 0) & (ri**2 < 0.005)
        out["hypergeometric function of GSL"] = small & (ni % 2 == 0) & (ni >= 8) & (ni <= 22)
    return out

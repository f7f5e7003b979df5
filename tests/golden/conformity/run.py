"""All comparers on all files of a folder."""

from __future__ import annotations

from pathlib import Path

from conformity import (
    asymmetry_counts,
    counts,
    diagnostics,
    dose_response,
    effect_sizes,
    influence,
    mixed_models,
    multilevel,
    networks,
    packages,
    regression,
    robust,
    selection_models,
    simulated,
    small_study,
    univariate,
)
from conformity.ledger import Ledger
from conformity.reference import load

COMPARERS = (
    effect_sizes,
    univariate,
    diagnostics,
    influence,
    small_study,
    asymmetry_counts,
    selection_models,
    regression,
    counts,
    mixed_models,
    multilevel,
    simulated,
    packages,
    robust,
    networks,
    dose_response,
)


def check(path: Path, ledger: Ledger) -> None:
    """One file: every comparer, then whatever none of them claimed."""
    root = load(path)
    ledger.open(path.stem)
    for comparer in COMPARERS:
        comparer.compare(ledger, root)
    ledger.close(root)


def check_folder(folder: Path) -> Ledger:
    """All files of a folder, in the order of their names."""
    ledger = Ledger()
    for path in sorted(folder.glob("*.json")):
        check(path, ledger)
    return ledger

"""All comparers on all files of a folder."""

from __future__ import annotations

from pathlib import Path

from conformity import (
    asymmetry_counts,
    count_packages,
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
from conformity.reference import Node, load

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
    count_packages,
    robust,
    networks,
    dose_response,
)


def check(path: Path, ledger: Ledger) -> None:
    """One file: every comparer, then whatever none of them claimed.

    A file that no comparer has seen before never stops the run: what cannot be read is counted.
    """
    ledger.open(path.stem)
    try:
        root = load(path)
    except ValueError as error:
        ledger.cannot_read(f"not JSON: {error}")
        return
    if not isinstance(root.value, dict):
        ledger.cannot_read("not an object with the keys of a reference file")
        return
    for comparer in COMPARERS:
        with ledger.reading(Node(None, (comparer.__name__.rpartition(".")[2],))):
            comparer.compare(ledger, root)
    ledger.close(root)


def check_folder(folder: Path) -> Ledger:
    """All files of a folder, in the order of their names."""
    ledger = Ledger()
    for path in sorted(folder.glob("*.json")):
        check(path, ledger)
    return ledger

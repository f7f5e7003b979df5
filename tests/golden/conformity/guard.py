"""Every estimator and every measure of the library has a golden case, or a reason why not."""

from __future__ import annotations

from pathlib import Path

from conformity.declared import NO_GOLDEN_CASE
from conformity.reference import load
from trialpool.effects import MEASURES
from trialpool.pooling.tau2 import estimators_of


def uncovered(folder: Path) -> set[str]:
    """Registered estimators and measures that no file of the folder holds numbers of."""
    seen: set[str] = set()
    for path in folder.glob("*.json"):
        root = load(path)
        seen |= {entry.get("measure").value for _, entry in root.get("escalc").items()}
        for _, analysis in root.get("analyses").items():
            fits = analysis.get("uni").items()
            seen |= {method for method, tests in fits if tests.get("z")}
    return ({*estimators_of("effects"), *MEASURES} - seen) - set(NO_GOLDEN_CASE)

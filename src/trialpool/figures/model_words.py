"""Models and their intervals as figures name them."""

from __future__ import annotations

from collections.abc import Iterable

LEVEL = "95"  # of the tables of how far to trust a result


def written(model: str) -> str:
    """A model in words, with the letter of the heterogeneity: `prior of τ`."""
    return model.replace("tau", "τ")


def is_bayesian(model: str) -> bool:
    """Whether a model in words is a Bayesian one, where a table has no more of it than these."""
    return model.startswith("Bayesian")


def intervals(bayesian: Iterable[bool], level: str = LEVEL) -> str:
    """What intervals are called, of which some may be of a posterior: `95 % CI or CrI`."""
    kinds = set(bayesian)
    names = [name for name, is_here in (("CI", False), ("CrI", True)) if is_here in kinds]
    return f"{level} % {' or '.join(names)}"

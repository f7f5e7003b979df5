"""trialpool: evidence synthesis of clinical trials.

>>> import trialpool as tp
>>> effects = tp.effect_size("RR", ai=[4, 6], n1i=[123, 306], ci=[11, 29], n2i=[139, 303])
>>> tp.pool(effects.yi, effects.vi).k
2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialpool.effects import effect_size as effect_size
    from trialpool.pooling.batch import pool_many as pool_many
    from trialpool.pooling.counts.glmm import pool_one_arm as pool_one_arm
    from trialpool.pooling.counts.pool import pool_counts as pool_counts
    from trialpool.pooling.counts.pool import pool_rates as pool_rates
    from trialpool.pooling.model import pool as pool
    from trialpool.pooling.regression import regress as regress

# Names are loaded on first use: a step that only reads tables should not pay for scipy, and the
# workflow can tell which modules a step really depends on.
_WHERE = {
    "effect_size": "trialpool.effects",
    "pool": "trialpool.pooling.model",
    "pool_counts": "trialpool.pooling.counts.pool",
    "pool_many": "trialpool.pooling.batch",
    "pool_one_arm": "trialpool.pooling.counts.glmm",
    "pool_rates": "trialpool.pooling.counts.pool",
    "regress": "trialpool.pooling.regression",
}

__all__ = [
    "effect_size",
    "pool",
    "pool_counts",
    "pool_many",
    "pool_one_arm",
    "pool_rates",
    "regress",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'trialpool' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

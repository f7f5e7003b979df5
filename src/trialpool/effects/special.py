"""The functions of scipy.special, loaded on first use.

A page that reads a measure's record should not pay for the formula beside it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    return getattr(import_module("scipy.special"), name)

"""The log of one step: what ran, with which versions, and whatever it printed."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path

_NAMED = ("trialpool", "numpy", "scipy", "pandas", "matplotlib")


def start(path: str | Path) -> None:
    """Send what the step prints to its log file, headed by the versions in use.

    Errors go to the log too; Snakemake shows the log of a failed step.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The file stays open for the rest of the process; the step ends with it.
    stream = target.open("w", encoding="utf-8", buffering=1)
    versions = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    stream.write(f"python {platform.python_version()}, {versions}\n")
    sys.stdout = sys.stderr = stream

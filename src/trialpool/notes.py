"""What is kept between runs to save time, in one JSON file each; losing it costs only time."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = Path(".snakemake/trialpool")


def recall(path: Path) -> dict[str, Any]:
    """What was noted; nothing where it cannot be read."""
    with suppress(OSError, ValueError):
        noted = json.loads(path.read_text(encoding="utf-8"))
        return noted if isinstance(noted, dict) else {}
    return {}


def note(path: Path, noted: dict[str, Any]) -> None:
    """Note for the next run, whole or not at all; where nothing can be written, nothing is."""
    draft = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(noted), encoding="utf-8")
        draft.replace(path)

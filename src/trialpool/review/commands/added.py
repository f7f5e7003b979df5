"""The columns that a review adds to raw tables, for commands that read or write its tables."""

from __future__ import annotations

from pathlib import Path

from trialpool.review.schema.added import Added


def added_columns(config: Path) -> Added:
    """The columns that the protocol adds to raw tables; none where there is no protocol."""
    from trialpool.review.protocol.protocol import read_protocol

    return read_protocol(config).added if config.exists() else {}

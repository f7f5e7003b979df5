"""The command line: `trialpool check` looks at the protocol and the raw data without running."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trialpool import tables
from trialpool.extraction.clean import clean
from trialpool.extraction.read import RawData
from trialpool.results import TrialpoolError
from trialpool.review.protocol import Review, read_protocol
from trialpool.review.ready import check as check_review


def _lost(review: Review, raw: RawData) -> list[str]:
    """Rows that will be dropped although nobody asked for it."""
    dropped = clean(raw, [], review.confidence_order).dropped
    return [
        f"{raw[row['table']].file} row {row['row']} will not be used: {row['reason']}."
        for row in tables.records(dropped)
        if row["rule"] in ("incomplete", "no partner")
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    0 when the review can run, 1 when something is wrong; warnings alone do not count as wrong
    """
    parser = argparse.ArgumentParser(prog="trialpool", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check the protocol and the raw data")
    check.add_argument("--config", type=Path, default=Path("config/review.yaml"))
    check.add_argument("--raw", type=Path, default=Path("data/raw"))
    options = parser.parse_args(arguments)
    try:
        review = read_protocol(options.config)
        data, found = check_review(review, options.raw)
        warnings = [str(warning) for warning in found]
        for raw in data.values():
            warnings += _lost(review, raw)
    except (TrialpoolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"warning: {warning}")
    count = f"{len(warnings)} warning{'s' if len(warnings) != 1 else ''}"
    print(f"{len(review.conditions)} conditions, {len(review.pairs())} analyses: usable, {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

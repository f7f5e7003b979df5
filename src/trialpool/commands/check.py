"""`trialpool check`: look at the protocol and the raw data without running anything."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trialpool import tables
from trialpool.extraction.clean import clean
from trialpool.extraction.read import RawData
from trialpool.results import TrialpoolError
from trialpool.review.protocol import Review, read_protocol
from trialpool.review.ready import check as check_review

HELP = "check the protocol and the raw data"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, default=Path("config/review.yaml"))
    parser.add_argument("--raw", type=Path, default=Path("data/raw"))


def run(options: argparse.Namespace) -> int:
    """Print every problem.

    Returns
    -------
    0 when the review can run, 1 when something is wrong; warnings alone do not count as wrong
    """
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


def _lost(review: Review, raw: RawData) -> list[str]:
    """Rows that will be dropped although nobody asked for it."""
    dropped = clean(raw, [], review.confidence_order).dropped
    return [
        f"{raw[row['table']].file} row {row['row']} will not be used: {row['reason']}."
        for row in tables.records(dropped)
        if row["rule"] in ("incomplete", "no partner")
    ]

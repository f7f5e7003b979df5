"""`trialpool export`: write a condition to another tool's format, and say what has no place."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from trialpool import tables
from trialpool.results import TrialpoolError
from trialpool.review.commands.added import added_columns
from trialpool.review.exchange.formats import FORMATS, Export

_WRITTEN = [name for name, entry in FORMATS.items() if entry.writer]
_SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kinds = "; ".join(f"{name}: {FORMATS[name].file}" for name in _WRITTEN)
    parser.add_argument("format", choices=_WRITTEN, help=kinds)
    parser.add_argument("file", type=Path, help="the file to write")
    parser.add_argument("--condition", required=True, help="the folder of data/raw to read")
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="the raw data folder")
    parser.add_argument("--config", type=Path, default=Path("config/review.yaml"))
    parser.add_argument("--effects", type=Path, help="metapsy: effects.csv of the condition")
    parser.add_argument(
        "--decimal-comma",
        action="store_true",
        help="metapsy: semicolons and decimal commas, as released databases have",
    )
    parser.add_argument("--report", type=Path, help="write what was written and what was left")
    parser.add_argument("--force", action="store_true", help="write over the file")


def run(options: argparse.Namespace) -> int:
    """Write the file and print what it holds and what it cannot hold.

    Returns
    -------
    0 when the file was written, 1 when not
    """
    try:
        if options.file.exists() and not options.force:
            raise TrialpoolError(
                f"{options.file}: is there already; nothing was written. Choose another name, or "
                "write over it with --force"
            )
        export = Export(
            raw=options.raw,
            condition=options.condition,
            effects=options.effects,
            decimal_comma=options.decimal_comma,
            added=added_columns(options.config),
        )
        options.file.parent.mkdir(parents=True, exist_ok=True)
        done = FORMATS[options.format].write(options.file, export)
        if options.report:
            tables.write_json(options.report, asdict(done))
    except (TrialpoolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.file}: " + ", ".join(f"{n} {name}" for name, n in done.rows.items()))
    for sentence in done.assumed:
        print(f"  - {sentence}")
    print(f"left ({len(done.left)})" + (":" if done.left else ""))
    for entry in done.left[:_SHOWN]:
        print(f"  - {entry.where}: {entry.what} = {entry.value}: {entry.why}")
    if len(done.left) > _SHOWN:
        print(f"  - {len(done.left) - _SHOWN} more; --report FILE.json lists all")
    return 0

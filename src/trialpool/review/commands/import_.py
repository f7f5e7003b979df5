"""`trialpool import`: read another tool's file into raw tables, and say what it did not take."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from trialpool import tables
from trialpool.results import TrialpoolError
from trialpool.review.exchange.check_rows import errors_of
from trialpool.review.exchange.formats import FORMATS, Format, ImportOptions
from trialpool.review.exchange.imported import Imported, Left
from trialpool.review.exchange.starter import outcomes_of, starter
from trialpool.review.exchange.store import store
from trialpool.review.extraction.problems import DataError, Problem
from trialpool.review.extraction.read import Outcomes
from trialpool.review.protocol.protocol import Review, read_protocol

_SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kinds = "; ".join(f"{name}: {entry.file}" for name, entry in FORMATS.items())
    parser.add_argument("format", choices=list(FORMATS), help=kinds)
    parser.add_argument("file", type=Path)
    parser.add_argument("--condition", required=True, help="the folder of data/raw to write")
    parser.add_argument("--out", type=Path, default=Path("data/raw"), help="the raw data folder")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config/review.yaml"),
        help="the protocol; one to start from is written if there is none",
    )
    parser.add_argument(
        "--outcome",
        default=ImportOptions(condition="").outcome,
        help="the outcome that scores are filed under",
    )
    parser.add_argument("--source-url", default="", help="the address the file was had from")
    parser.add_argument(
        "--g-is",
        default="",
        choices=("", "arm1-arm2", "arm2-arm1"),
        help="metapsy: which way .g subtracts, where the file does not show it",
    )
    parser.add_argument(
        "--effects",
        default=ImportOptions(condition="").effects,
        choices=("computed", "reported"),
        help="metapsy: take the arms' numbers where a row has them, or .g and .g_se of every row",
    )
    parser.add_argument("--report", type=Path, help="write counts, assumptions and what was left")
    parser.add_argument("--force", action="store_true", help="write over the condition's folder")


def run(options: argparse.Namespace) -> int:
    """Import the file and print what became of it.

    Returns
    -------
    0 when the tables were written, 1 when nothing was
    """
    try:
        form = FORMATS[options.format]
        protocol = read_protocol(options.config) if options.config.exists() else None
        choices = _options(options, protocol)
        imported = form.read(options.file, choices)
        outcomes = _outcomes(imported, protocol)
        errors = errors_of(imported.tables, options.condition, outcomes, choices.added)
        _raise(errors, options.file.name)
        written = store(
            imported, options.out, options.condition, force=options.force, whole=form.whole
        )
        started = _start(imported, form, options, protocol)
        if options.report:
            tables.write_json(options.report, _report(imported))
    except (TrialpoolError, OSError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{written[-1].parent.as_posix()}: " + _counts(imported))
    for line in (*_lines("assumed", imported.assumed), *_left(imported.left), started):
        print(line)
    return 0


def _options(options: argparse.Namespace, protocol: Review | None) -> ImportOptions:
    return ImportOptions(
        condition=options.condition,
        outcome=options.outcome,
        source_url=options.source_url,
        g_is=options.g_is,
        effects=options.effects,
        added=protocol.added if protocol else {},
    )


def _outcomes(imported: Imported, protocol: Review | None) -> Outcomes:
    """What the rows are checked against: the protocol's outcomes go before the import's own."""
    declared = protocol.outcome_rules() if protocol else {}
    return {**outcomes_of(imported), **declared}


def _raise(errors: Sequence[Problem], file: str) -> None:
    """With the name of the file that was imported before the table's."""
    if errors:
        raise DataError([replace(each, file=f"{file}, table {each.file}") for each in errors])


def _start(
    imported: Imported, form: Format, options: argparse.Namespace, protocol: Review | None
) -> str:
    """Write a protocol to start from, or say what the one there must declare."""
    config: Path = options.config
    if protocol is None:
        config.parent.mkdir(parents=True, exist_ok=True)
        text = starter(imported, options.condition, form.file, form.smd)
        config.write_text(text, encoding="utf-8", newline="\n")
        return f"{config.as_posix()}: a protocol to start from; reword it before you publish"
    lacking = [name for name in outcomes_of(imported) if name not in protocol.outcomes]
    if not lacking and options.condition in protocol.conditions:
        return f"{config.as_posix()}: declares the condition and its outcomes"
    words = [f"outcome {name}" for name in lacking]
    if options.condition not in protocol.conditions:
        words.append(f"condition {options.condition}")
    return f"{config.as_posix()}: was left as it is; declare there: {', '.join(words)}"


def _counts(imported: Imported) -> str:
    return ", ".join(f"{len(rows)} {name}" for name, rows in imported.tables.items() if rows)


def _lines(title: str, sentences: Sequence[str]) -> Iterator[str]:
    yield f"{title}:" if sentences else f"{title}: nothing"
    yield from (f"  - {sentence}" for sentence in sentences)


def _left(left: Sequence[Left]) -> Iterator[str]:
    """What was not taken; columns that have no place are counted, the report names each."""
    columns = Counter(entry.why for entry in left if entry.what == "column")
    rest = [entry for entry in left if entry.what != "column"]
    sentences = [f"{n} column{'s' if n > 1 else ''}: {why}" for why, n in columns.items()]
    sentences += [f"{e.where}: {e.what} = {e.value}: {e.why}" for e in rest[:_SHOWN]]
    if len(rest) > _SHOWN:
        sentences.append(f"{len(rest) - _SHOWN} more; --report FILE.json lists all")
    yield from _lines(f"left ({len(left)})", sentences)


def _report(imported: Imported) -> dict[str, object]:
    return {
        "tables": {name: len(rows) for name, rows in imported.tables.items()},
        "assumed": list(imported.assumed),
        "left": [asdict(entry) for entry in imported.left],
    }

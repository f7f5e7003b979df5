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
from trialpool.review.exchange.verify_import import DIFFER, Verified, summary, verify
from trialpool.review.extraction.problems import DataError, Problem
from trialpool.review.extraction.read import Outcomes
from trialpool.review.protocol.protocol import Review, read_protocol
from trialpool.review.schema.raw import JUDGEMENTS

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
    parser.add_argument(
        "--rob-codes",
        default="",
        metavar="1=high,2=some_concerns,3=low",
        help="metapsy: the judgement that each number in a risk-of-bias column stands for",
    )
    parser.add_argument(
        "--mapping", type=Path, help="table: a file that says which column of the sheet is what"
    )
    parser.add_argument(
        "--write-mapping", type=Path, help="table: write what was taken from the headings"
    )
    parser.add_argument("--report", type=Path, help="write counts, assumptions and what was left")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="pool each analysis that the file holds anew, and set its results beside the file's",
    )
    parser.add_argument(
        "--allow-losses",
        action="store_true",
        help="end with 0 although effects of the file were not taken",
    )
    parser.add_argument("--force", action="store_true", help="write over the condition's folder")


def run(options: argparse.Namespace) -> int:
    """Import the file and print what became of it.

    Returns
    -------
    0 when the tables were written with every effect of the file, 1 when nothing was, when effects
    were lost (without --allow-losses), or when a result of the file differs from ours (--verify)
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
    lost = imported.effects_in - imported.effects_taken
    for line in (*_left(imported), *_lines("assumed", imported.assumed), started):
        print(line)
    verified = verify(imported) if options.verify else []
    for line in _verified(verified) if options.verify else ():
        print(line)
    if imported.effects_in:
        print(f"{imported.effects_taken} of {imported.effects_in} effects taken")
    differ = any(each.verdict == DIFFER for each in verified)
    return int(differ or (lost > 0 and not options.allow_losses))


def _verified(verified: Sequence[Verified]) -> Iterator[str]:
    if not verified:
        yield "verify: the file holds no result of an analysis"
        return
    yield from (str(each) for each in verified)
    yield summary(verified)


def _options(options: argparse.Namespace, protocol: Review | None) -> ImportOptions:
    return ImportOptions(
        condition=options.condition,
        outcome=options.outcome,
        source_url=options.source_url,
        g_is=options.g_is,
        effects=options.effects,
        rob_codes=_codes(options.rob_codes),
        mapping=options.mapping,
        write_mapping=options.write_mapping,
        added=protocol.added if protocol else {},
    )


def _codes(words: str) -> dict[str, str]:
    """Judgements by their codes, from `1=high,2=some_concerns`."""
    pairs = [part.split("=") for part in words.split(",") if part.strip()]
    if any(len(pair) != 2 or pair[1].strip() not in JUDGEMENTS for pair in pairs):
        raise TrialpoolError(
            f"--rob-codes {words}: give CODE=JUDGEMENT, separated by commas; judgements are "
            f"{', '.join(JUDGEMENTS)}"
        )
    return {code.strip(): judgement.strip().replace("_", " ") for code, judgement in pairs}


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
    if protocol is None and not outcomes_of(imported):
        return f"{config.as_posix()}: not written, since no result was taken"
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


def _left(imported: Imported) -> Iterator[str]:
    """What was not taken, lost effects first.

    Columns that have no place are counted, the report names each.
    """
    left = imported.left
    columns = Counter(entry.why for entry in left if entry.what == "column")
    lost = [entry for entry in left if entry.effect]
    rest = [entry for entry in left if entry.what != "column" and not entry.effect]
    yield from _lines(f"effects lost ({len(lost)})", [_entry(each) for each in lost])
    sentences = [f"{n} column{'s' if n > 1 else ''}: {why}" for why, n in columns.items()]
    sentences += [_entry(each) for each in rest[:_SHOWN]]
    if len(rest) > _SHOWN:
        sentences.append(f"{len(rest) - _SHOWN} more; --report FILE.json lists all")
    yield from _lines(f"left ({len(left) - len(lost)})", sentences)


def _entry(left: Left) -> str:
    return f"{left.where}: {left.what} = {left.value}: {left.why}"


def _report(imported: Imported) -> dict[str, object]:
    return {
        "effects": {"in": imported.effects_in, "taken": imported.effects_taken},
        "lost": [asdict(entry) for entry in imported.left if entry.effect],
        "left": [asdict(entry) for entry in imported.left if not entry.effect],
        "assumed": list(imported.assumed),
        "tables": {name: len(rows) for name, rows in imported.tables.items()},
    }

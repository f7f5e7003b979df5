"""Does the file's own `.g` come out of the imported tables? Row by row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from trialpool.results import NAN
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.metapsy.direction import (
    Direction,
    event_name,
    find_direction,
    has_events,
)
from trialpool.review.exchange.metapsy.effects import HedgesG, hedges_g, pairs
from trialpool.review.exchange.metapsy.read import read
from trialpool.review.exchange.metapsy.results import complete
from trialpool.review.exchange.metapsy.source import SourceLine, read_source
from trialpool.review.extraction.checking import load
from trialpool.review.schema.raw import CONFIDENCE

THREE_DECIMALS = 0.5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """One row of the file: its own effect, and ours with the file's sign.

    `kind` is msd, change or event where the row holds both arms' numbers, else blank.
    """

    row: int
    study: str
    kind: str
    printed: float
    printed_se: float
    g: float
    se: float
    reason: str

    @property
    def agrees(self) -> bool:
        """Whether effect and standard error agree to three decimals."""
        return (
            abs(self.g - self.printed) < THREE_DECIMALS
            and abs(self.se - self.printed_se) < THREE_DECIMALS
        )


def reproduce(path: Path, options: ImportOptions) -> list[Reproduced]:
    """Import a file, compute its effects from the imported tables, and set both side by side.

    Returns
    -------
    One entry per row of the file, in the file's order
    """
    lines = read_source(path).lines
    direction = find_direction(lines, options.g_is)
    effects = _effects(path, options)
    return [_one(line, direction, effects.get(line.number)) for line in lines]


def _effects(path: Path, options: ImportOptions) -> dict[int, HedgesG]:
    """Effects by the row of the file they belong to."""
    imported = read(path, options)
    with TemporaryDirectory() as folder:
        imported.write(Path(folder), options.condition)
        raw, _ = load(Path(folder), options.condition, imported.outcomes, CONFIDENCE, {})
    compared = pairs(raw)
    return {
        number: effect
        for pair, effect in zip(compared, hedges_g(compared), strict=True)
        for number in pair.lines
    }


def _one(line: SourceLine, direction: Direction, effect: HedgesG | None) -> Reproduced:
    printed = float(line[".g"]) if line[".g"] else NAN
    printed_se = float(line[".g_se"]) if line[".g_se"] else NAN
    effect = effect or HedgesG(reason="the numbers of both arms are not in the tables")
    return Reproduced(
        row=line.number,
        study=line["study"],
        kind=complete(line),
        printed=printed,
        printed_se=printed_se,
        g=file_sign(line, direction) * effect.g,
        se=effect.se,
        reason=effect.reason,
    )


def file_sign(line: SourceLine, direction: Direction) -> int:
    """What turns arm 1 minus arm 2 into the file's sign: it says benefit, whatever is measured."""
    if complete(line) == "event" and has_events(line):
        better = direction.events[event_name(line)]
    else:
        better = "higher" if line["instrument"] in direction.higher else "lower"
    return direction.sign if better == "lower" else -direction.sign

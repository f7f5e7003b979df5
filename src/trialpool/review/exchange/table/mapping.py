"""Which column of a sheet is what: inferred from the headings, or said in a mapping file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trialpool.results import TrialpoolError
from trialpool.review.exchange.draft import MalformedFileError, plain
from trialpool.review.exchange.table import cells
from trialpool.review.exchange.table.headings import ESTIMATES, find_header, places_of

# Of a trial; the rest of a mapping's places are of its results.
OF_TRIAL = ("study", "year", "doi", "country")
_ARM = ("n", "mean", "sd", "mean_sd", "events", "total", "events_total", "percent")
OF_ARMS = tuple(f"{name}{side}" for side in "12" for name in _ARM)
OF_EFFECT = (*ESTIMATES, "effect", "se", "variance", "ci_low", "ci_high", "ci", "p")
# What may be a column or the same for the whole sheet.
EITHER = ("outcome", "instrument", "time", "weeks", "days", "measure", "comparator")
SAID = ("better", "title")
_BLOCK = (*OF_ARMS, *OF_EFFECT, *EITHER, *SAID)
_TOP = (*OF_TRIAL, "arms", "results", "carry_down", "sheet", "header")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapping:
    """The mapping of a sheet: headings of the trial's columns, the arms, and blocks of results.

    `header` is the number of the heading row, from 1; `carry_down` names columns whose blank cells
    hold what stands above them.
    """

    header: int
    trial: Mapping[str, str]
    arms: Mapping[str, str]
    results: tuple[Mapping[str, str], ...]
    carry_down: tuple[str, ...] = ()
    assumed: tuple[str, ...] = field(default=())

    def as_yaml(self) -> str:
        """The mapping as a file that `--mapping` takes."""
        results = [dict(block) for block in self.results]
        whole: dict[str, Any] = {"header": self.header, **self.trial}
        whole |= {"arms": dict(self.arms), "results": results}
        if self.carry_down:
            whole["carry_down"] = list(self.carry_down)
        text: str = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
        return (
            "# Which column of the sheet is what. Arms, outcome, instrument, time and comparator\n"
            "# may name a column or say what holds of the whole sheet; better is lower or higher.\n"
            f"{text}"
        )


def infer(path: Path, rows: Sequence[Sequence[str]]) -> TableMapping:
    """The mapping that the headings say; what they leave open is asked.

    Raises
    ------
    MalformedFileError
        naming every heading that may mean several things, or two of one meaning
    """
    at = find_header(rows)
    if at < 0:
        rule = "no row of headings: none names the study and two more columns"
        fix = "Say with --mapping which column is what (--write-mapping writes an example)"
        raise MalformedFileError(path, "", rule, fix)
    header, body = rows[at], rows[at + 1 :]
    meant: dict[str, str] = {}
    faults: list[str] = []
    for place, heading in enumerate(header):
        meanings = places_of(heading)
        column = [row[place] for row in body if place < len(row)]
        meanings = _by_content(meanings, column)
        if len(meanings) > 1:
            faults.append(f"`{heading}` may be {' or '.join(meanings)}")
        elif meanings and meanings[0] in meant:
            faults.append(f"`{meant[meanings[0]]}` and `{heading}` both are {meanings[0]}")
        elif meanings:
            meant[meanings[0]] = heading
    if faults:
        fix = "Say with --mapping which one is meant"
        raise MalformedFileError(path, f"row {at + 1}", "; ".join(faults), fix)
    arms = {
        role: meant.pop(f"label{side}", role)
        for side, role in (("1", "experimental"), ("2", "control"))
    }
    block = {place: heading for place, heading in meant.items() if place in _BLOCK}
    trial = {place: meant[place] for place in OF_TRIAL if place in meant}
    return TableMapping(header=at + 1, trial=trial, arms=arms, results=(block,))


def _by_content(meanings: Sequence[str], column: Sequence[str]) -> list[str]:
    """The meaning that fits what stands in the column: `Intervention` may head words or counts."""
    filled = [cell for cell in column if not cells.is_blank(cell)]
    words = bool(filled) and not any(_holds_number(cell) for cell in filled)
    out: list[str] = []
    for place in meanings:
        meant = _meant(place, filled, words=words)
        if meant and meant not in out:
            out.append(meant)
    return out


def _meant(place: str, filled: Sequence[str], *, words: bool) -> str:
    """What a place is, by the cells of its column; blank where they cannot be that."""
    side = place[-1] if place[-1] in "12" else ""
    if side and place[:-1] in ("label", "mean", "events", "n", "total"):
        if filled and all(cells.mean_sd(cell) for cell in filled):
            return f"mean_sd{side}"
        if filled and all(cells.events_total(cell) for cell in filled):
            return f"events_total{side}"
        return place if place.startswith("label") == words else ""
    if place == "measure" and any(plain(cell) not in MEASURES for cell in filled):
        return "instrument"
    numeric = not side and place not in OF_TRIAL and place not in EITHER
    return "" if numeric and words else place


def _holds_number(cell: str) -> bool:
    return bool(
        cells.number(cell) or cells.mean_sd(cell) or cells.events_total(cell)
        or cells.interval(cell) or cells.with_interval(cell) or cells.events_percent(cell)
    )  # fmt: skip


# Words of a column that names the measure of each effect: our code, and whether it is logged.
MEASURES = {
    "d": ("D", False), "cohens d": ("D", False), "g": ("G", False), "hedges g": ("G", False),
    "smd": ("G", False), "md": ("MD", False), "mean difference": ("MD", False),
    "or": ("OR", False), "odds ratio": ("OR", False), "rr": ("RR", False),
    "risk ratio": ("RR", False), "hr": ("HR", False), "hazard ratio": ("HR", False),
    "rd": ("RD", False), "log or": ("OR", True), "logor": ("OR", True), "lnor": ("OR", True),
    "log rr": ("RR", True), "logrr": ("RR", True), "lnrr": ("RR", True),
    "log hr": ("HR", True), "loghr": ("HR", True), "lnhr": ("HR", True),
}  # fmt: skip


def load(file: Path, path: Path, rows: Sequence[Sequence[str]]) -> TableMapping:
    """The mapping in a YAML file, checked against the sheet's headings.

    Raises
    ------
    TrialpoolError
        naming every key that is none, and every column that the sheet does not have
    """
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise TrialpoolError(f"{file.as_posix()}: cannot be read ({words})") from None
    if not isinstance(said, dict) or not isinstance(said.get("results"), list):
        raise TrialpoolError(
            f"{file.as_posix()}: no mapping; it needs `study` and a list of `results`"
        )
    at = said.get("header") or find_header(rows) + 1 or _row_of(said, rows)
    if not isinstance(at, int) or not 1 <= at <= len(rows):
        raise TrialpoolError(
            f"{file.as_posix()}, header = {at}: no row of {path.name}; give the number of the row "
            "that holds the headings"
        )
    header = rows[at - 1]
    faults = [
        f"{name}: no key of a mapping ({', '.join(_TOP)})" for name in said if name not in _TOP
    ]
    blocks = [block if isinstance(block, dict) else {} for block in said["results"]]
    for number, block in enumerate(blocks, start=1):
        where = f"results {number}"
        faults += [f"{where}, {name}: no key of a result" for name in block if name not in _BLOCK]
        faults += [
            f"{where}, {name} = {value}: {path.name} has no such column"
            for name, value in block.items()
            if name in (*OF_ARMS, *OF_EFFECT) and str(value) not in header
        ]
        if block.get("better") not in (None, "lower", "higher"):
            faults.append(f"{where}, better = {block['better']}: use lower or higher")
    trial = {name: str(said[name]) for name in OF_TRIAL if name in said}
    faults += [
        f"{name} = {value}: {path.name} has no such column"
        for name, value in trial.items()
        if value not in header
    ]
    if "study" not in trial:
        faults.append("study: missing; name the column that says which study a row is of")
    if faults:
        raise TrialpoolError("\n".join(f"{file.as_posix()}, {fault}" for fault in faults))
    arms = said.get("arms") if isinstance(said.get("arms"), dict) else {}
    carried = said.get("carry_down") or []
    return TableMapping(
        header=at,
        trial=trial,
        arms={role: str((arms or {}).get(role, role)) for role in ("experimental", "control")},
        results=tuple({n: str(v) for n, v in block.items()} for block in blocks),
        carry_down=tuple(map(str, carried if isinstance(carried, list) else [carried])),
    )


def _row_of(said: Mapping[str, Any], rows: Sequence[Sequence[str]]) -> int:
    """The row that has most of the headings that a mapping names."""
    blocks = [block for block in said["results"] if isinstance(block, dict)]
    wanted = {str(said[name]) for name in OF_TRIAL if name in said}
    wanted |= {str(value) for block in blocks for value in block.values()}
    hits = [len(wanted & set(row)) for row in rows]
    most = max(hits, default=0)
    return hits.index(most) + 1 if most else 0

"""The register of formats: what each reads and writes. A new format is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from trialpool.review.exchange.imported import Imported, Left
from trialpool.review.schema.added import Added

_ROOM = "trialpool.review.exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What a person may tell an importer.

    `g_is` says which way a file subtracts its effects ("arm1-arm2", "arm2-arm1"; blank = find
    out); `source_url` is the address to name as the source of every number. `effects` is "computed"
    to take the arms' own numbers where a file has them, "reported" to take its effects instead.
    `rob_codes` says which judgement of RoB 2 a number in a risk-of-bias column stands for.
    `mapping` is a file that says which column of a sheet is what, `write_mapping` where to write
    what was inferred. `added` are the columns that the protocol adds to raw tables.
    """

    condition: str
    outcome: str = "symptoms"
    source_url: str = ""
    g_is: str = ""
    effects: str = "computed"
    rob_codes: Mapping[str, str] = field(default_factory=dict)
    mapping: Path | None = None
    write_mapping: Path | None = None
    added: Added = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export wrote, and what it could not express."""

    rows: Mapping[str, int]
    assumed: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What to write: a condition of the raw data folder, with its effects where they are made.

    `added` are the columns that the protocol adds to raw tables.
    """

    raw: Path
    condition: str
    effects: Path | None = None
    decimal_comma: bool = False
    added: Added = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format: its reader, its writer where it has one, and what its file is.

    `whole` formats hold our own tables, so what they say of an instrument replaces what is there.
    `smd` are the options of SMDs under which the format's own effects come out.
    """

    name: str
    file: str
    reader: str
    writer: str = ""
    whole: bool = False
    smd: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: Path, options: ImportOptions) -> Imported:
        """The raw tables in a file of this format."""
        imported: Imported = _function_at(self.reader)(path, options)
        return imported

    def write(self, path: Path, export: Export) -> Exported:
        """Write a condition to a file of this format."""
        exported: Exported = _function_at(self.writer)(path, export)
        return exported


def _function_at(place: str) -> Callable[..., Any]:
    """A function by `module:name`; imported when it is used, so that no format costs another."""
    module, name = place.split(":")
    function: Callable[..., Any] = getattr(import_module(f"{_ROOM}.{module}"), name)
    return function


_REVMAN_SMD = {"variance": "RevMan", "correction": "approx"}
_ALL = (
    Format(name="metapsy", file="CSV in the Metapsy data standard", reader="metapsy.read:read",
           writer="metapsy.write:write", smd={"variance": "Metapsy", "correction": "approx"}),
    Format(name="xlsx", file="workbook with one sheet per raw table", reader="xlsx.read:read",
           writer="xlsx.write:write", whole=True),
    Format(name="revman5", file="review file of Review Manager 5, or its analysis data as CSV",
           reader="revman5:read", smd=_REVMAN_SMD),
    Format(name="revman-web", file="data package of RevMan Web", reader="revman_web:read",
           smd=_REVMAN_SMD),
    Format(name="table", file="sheet with one row a study, CSV or xlsx", reader="table.read:read"),
    Format(name="clinicaltrials", file="record of ClinicalTrials.gov",
           reader="clinicaltrials:read"),
)  # fmt: skip
FORMATS = {entry.name: entry for entry in _ALL}

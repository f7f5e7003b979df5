"""`columns` in the protocol: what a review types beside the columns of the code book."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from trialpool.columns import Kind
from trialpool.review.protocol.base import Identifier, Spec, Word
from trialpool.review.protocol.problems import ProtocolProblem, SettingsError
from trialpool.review.schema.added import taken


class AddedColumn(Spec):
    """A column of a raw table as the protocol declares it; `trialpool.columns.Column` says more."""

    kind: Kind
    meaning: Annotated[str, Field(min_length=1)]
    unit: str = ""
    heading: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Word, ...] = ()
    required: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> AddedColumn:
        if wrong := list(self._wrong()):
            raise SettingsError(wrong)
        return self

    def _wrong(self) -> Iterator[ProtocolProblem]:
        numeric = self.kind in ("number", "integer")
        if self.kind == "choice" and len(set(self.choices)) < max(2, len(self.choices)):
            yield ProtocolProblem(rule="choices: kind choice needs two or more, each named once")
        if self.kind != "choice" and self.choices:
            yield ProtocolProblem(
                rule=f"choices: kind {self.kind} has none", fix="use kind choice, or remove them"
            )
        for name in ("unit", "low", "high"):
            if not numeric and getattr(self, name) not in ("", None):
                yield ProtocolProblem(
                    rule=f"{name}: kind {self.kind} has none", fix="use kind number, or remove it"
                )
        if self.low is not None and self.high is not None and self.low > self.high:
            yield ProtocolProblem(rule=f"low = {self.low:g} is above high = {self.high:g}")


class AddedColumns(Spec):
    """The columns a review adds, by raw table."""

    trials: dict[Identifier, AddedColumn] = Field(default_factory=dict)
    arms: dict[Identifier, AddedColumn] = Field(default_factory=dict)
    results: dict[Identifier, AddedColumn] = Field(default_factory=dict)
    contrasts: dict[Identifier, AddedColumn] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _new(self) -> AddedColumns:
        wrong = [
            ProtocolProblem(rule=f"{table}.{name}: is a column already", fix="choose another name")
            for table, columns in self
            for name in columns
            if name in taken(table)
        ]
        wrong += [
            ProtocolProblem(
                rule=f"contrasts.{name}: stands under results too, with another declaration",
                fix="records.csv holds both, so give one another name",
            )
            for name, column in self.contrasts.items()
            if name in self.results and column != self.results[name]
        ]
        if wrong:
            raise SettingsError(wrong)
        return self


def declared_columns(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The columns of a configuration that are declared as they should be, as plain values.

    The rest of the protocol is checked against these, also where something is wrong elsewhere.
    """
    out: dict[str, dict[str, Any]] = {}
    asked = config.get("columns")
    for table, columns in asked.items() if isinstance(asked, Mapping) else ():
        for name, about in columns.items() if isinstance(columns, Mapping) else ():
            try:
                one = AddedColumns.model_validate({table: {name: about}})
            except ValidationError:
                continue
            out.setdefault(table, {}).update(one.model_dump(mode="json")[table])
    return out

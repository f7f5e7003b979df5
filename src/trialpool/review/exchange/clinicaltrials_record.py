"""Reading a registry record: typed steps through its JSON, and the arms its groups belong to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trialpool.review.exchange import wording
from trialpool.review.exchange.clinicaltrials_sets import split
from trialpool.review.exchange.draft import (
    Draft,
    MalformedFileError,
    Row,
    one_line,
    plain,
    read_bytes,
    slug,
)
from trialpool.review.exchange.ids import Names

TOTALS = ("total", "overall", "all participants", "all subjects", "total participants")


@dataclass(frozen=True, slots=True)
class RecordNode:
    """A place in the JSON. What is absent reads as empty; what is of another kind is an error."""

    path: Path
    where: str
    value: Any

    def __bool__(self) -> bool:
        return bool(self.value)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def has(self, name: str) -> bool:
        """Whether an element of that name is there."""
        return name in self._fields()

    def node(self, name: str) -> RecordNode:
        """The object of that name; an empty one if it is absent."""
        child = RecordNode(self.path, f"{self.where}.{name}".lstrip("."), self._fields().get(name))
        child._fields()
        return child

    def nodes(self, name: str) -> list[RecordNode]:
        """The objects in the list of that name."""
        child = RecordNode(self.path, f"{self.where}.{name}".lstrip("."), self._fields().get(name))
        return [] if child.value is None else child.items()

    def items(self) -> list[RecordNode]:
        """The objects of this list."""
        if not isinstance(self.value, list):
            raise self._wrong("a list")
        nodes = [
            RecordNode(self.path, f"{self.where}[{k}]", item) for k, item in enumerate(self.value)
        ]
        for item in nodes:
            item._fields()
        return nodes

    def text(self, name: str) -> str:
        """The text or number of that name on one line, as it stands in the file."""
        value = self._fields().get(name)
        if value is None:
            return ""
        if isinstance(value, (dict, list)):
            raise RecordNode(self.path, f"{self.where}.{name}".lstrip("."), value)._wrong("text")
        return one_line(str(value))

    def texts(self, name: str) -> list[str]:
        """The texts in the list of that name."""
        texts = self._fields().get(name, [])
        if not isinstance(texts, list) or any(isinstance(t, (dict, list)) for t in texts):
            raise RecordNode(self.path, f"{self.where}.{name}".lstrip("."), texts)._wrong(
                "a list of texts"
            )
        return [one_line(str(text)) for text in texts]

    def _fields(self) -> dict[str, Any]:
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return self.value

    def _wrong(self, expected: str) -> MalformedFileError:
        # Numbers are read as text, so that they keep their digits.
        kinds = {dict: "an object", list: "a list", bool: "true or false"}
        kind = kinds.get(type(self.value), "text or a number")
        rule = f"{kind} where {expected} is expected"
        return MalformedFileError(
            self.path, self.where, rule, "Download the record as JSON (API version 2)"
        )


def load(path: Path) -> RecordNode:
    """The JSON of a file, its numbers kept as the text they are printed as.

    Raises
    ------
    MalformedFileError
        if the file is not JSON in UTF-8
    """
    fix = "Download the record as JSON (API version 2)"
    try:
        value = json.loads(
            read_bytes(path).decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=str
        )
    except UnicodeDecodeError:
        raise MalformedFileError(path, "", "not UTF-8 text", fix) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedFileError(path, place, f"not JSON ({error.msg})", fix) from None
    except RecursionError:
        raise MalformedFileError(path, "", "nested too deep to be a record", fix) from None
    if not isinstance(value, (dict, list)):
        raise MalformedFileError(path, "", "not a registry record", fix)
    return RecordNode(path, "", value)


@dataclass(slots=True)
class Shared:
    """Ids that all records of a file share, so that one term is one outcome everywhere."""

    outcomes: Names = field(default_factory=Names)
    instruments: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Record:
    """One study while it is read: its arms, and where rows and leftovers go."""

    draft: Draft
    shared: Shared
    nct: str
    crossover: bool
    _names: Names = field(default_factory=Names)
    _arms: dict[str, Row] = field(default_factory=dict)
    _words: dict[str, list[set[str]]] = field(default_factory=dict)

    def register(self, label: str, cells: Row, interventions: Sequence[str]) -> None:
        """An arm of the protocol, with the names of what is given in it."""
        key = plain(label) or label
        while key in self._names:
            self.draft.assume(
                f"{self.nct}: two registered arms are called `{label}`; groups of that title are "
                "taken to be the first"
            )
            key += " again"
        arm = self._names.of(key, slug(label, "arm"))
        self._arms[arm] = {"trial_id": self.nct, "arm_id": arm, **cells}
        self._words[arm] = [set(plain(text).split()) for text in (label, *interventions)]

    def arm(self, title: str) -> str:
        """The arm a group of the results belongs to: a registered one, or an arm of its own.

        That of the same title, without the set of participants at its end (`Placebo (FAS)`), or
        the only one whose label or interventions have all words of the title, or the reverse.
        """
        if arm := self.known(title):
            return arm
        bare, _ = split(title)
        key = plain(bare) or bare
        role = self.role_by_title(bare)
        arm = self._names.of(key, slug(bare, "group"))
        self._arms[arm] = {
            "trial_id": self.nct,
            "arm_id": arm,
            "arm": bare or arm,
            "role": role,
            "drug": slug(bare, "not_stated"),
            "notes": "a group of the results only",
            "comparator_class": wording.comparator_class(bare) if role == "control" else "",
        }
        self.draft.assume(
            f"{self.nct}: the results' group `{bare}` has the title of no registered arm and "
            "is an arm of its own; merge the two by hand if they are the same people"
        )
        return arm

    def known(self, title: str) -> str:
        """The arm of a group with that title; blank if there is none yet."""
        for words in (title, split(title)[0]):
            key = plain(words) or words
            if key in self._names:
                return self._names.of(key, "arm")
        mine = set(plain(split(title)[0]).split())
        hits = [
            arm
            for arm, words in self._words.items()
            if mine and any(mine <= each or each <= mine for each in words if each)
        ]
        if len(hits) != 1:
            return ""
        self.draft.assume(
            f"{self.nct}: the results' group `{title}` is taken to be the registered arm "
            f"`{self._arms[hits[0]]['arm']}`, the only one with these words"
        )
        return hits[0]

    def role(self, arm: str) -> str:
        """Experimental or control."""
        return self._arms[arm]["role"]

    def role_by_title(self, title: str) -> str:
        """The role where the record gives none: control if the title names a comparator."""
        role = "control" if wording.sounds_like_control(title) else "experimental"
        self.draft.assume(
            f"{self.nct}: role of `{title}` = {role}, from its title; the record gives none"
        )
        return role

    def randomised(self, arm: str, count: str) -> None:
        """Participants who started in the arm."""
        self._arms[arm]["n_randomised"] = count

    def period(self, text: str) -> str:
        """Which part of a crossover a result is of; `whole` in other trials."""
        if not self.crossover:
            return "whole"
        self.draft.assume(
            f"{self.nct} is a crossover: its rows are of both periods unless the outcome's words "
            "say first period; the record has no field for it"
        )
        return "first" if wording.is_first_period(text) else "both"

    def add_arms(self) -> None:
        """Write the arms, once all groups are known."""
        for cells in self._arms.values():
            self.draft.add("arms", cells)

"""Short names that our tables take, made from another tool's labels."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

_OTHER = re.compile(r"[^A-Za-z0-9.-]+")


def slug(label: str) -> str:
    """A label as a short name: accents and signs removed, the rest as it was."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return _OTHER.sub("_", plain).strip("_.-") or "unnamed"


@dataclass(slots=True)
class Ids:
    """Gives each label one short name, and no name to two labels."""

    _given: dict[object, str] = field(default_factory=dict)

    def of(self, label: object, text: str) -> str:
        """The short name of a label, made from `text` when it is seen for the first time."""
        if label not in self._given:
            base = name = slug(text)
            taken = {given.lower() for given in self._given.values()}
            number = 1
            while name.lower() in taken:
                number += 1
                name = f"{base}_{number}"
            self._given[label] = name
        return self._given[label]

"""Short names that our tables take, made from another tool's labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterator

_OTHER = re.compile(r"[^A-Za-z0-9.-]+")


def slug(label: str) -> str:
    """A label as a short name: accents and signs removed, the rest as it was."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return _OTHER.sub("_", plain).strip("_.-") or "unnamed"


class Names:
    """Ids that stay apart: one key always has the same id, two keys never share one."""

    def __init__(self) -> None:
        self._given: dict[Hashable, str] = {}
        self._taken: set[str] = set()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._given

    def __iter__(self) -> Iterator[Hashable]:
        """The keys that have an id, in the order they came."""
        return iter(self._given)

    def of(self, key: Hashable, wanted: str) -> str:
        """The id of `key`: `wanted`, or wanted_2, wanted_3, ... where another key has it.

        Ids that differ in case only would be one file name on some machines, so they count
        as the same.
        """
        if key not in self._given:
            name, number = wanted, 1
            while name.lower() in self._taken:
                number += 1
                name = f"{wanted}_{number}"
            self._given[key] = name
            self._taken.add(name.lower())
        return self._given[key]

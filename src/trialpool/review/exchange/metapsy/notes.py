"""What a Metapsy file says of an arm or a row and our tables have no column for.

It stands in `notes` in a fixed form, so that an export can write it back.
"""

from __future__ import annotations

from collections.abc import Mapping

SOURCE = "metapsy"
_BETWEEN = " | "
_IS = ": "


def pack(facts: Mapping[str, str]) -> str:
    """Facts as one note; blank ones are left out.

    A bar inside a fact would end it, so it is written as a slash.
    """
    return _BETWEEN.join(f"{k}{_IS}{v.replace('|', '/')}" for k, v in facts.items() if v)


def unpack(note: str) -> dict[str, str]:
    """The facts of a note; empty for a note somebody wrote in words."""
    parts = [part.split(_IS, 1) for part in note.split(_BETWEEN)]
    return {part[0]: part[1] for part in parts if len(part) == 2 and " " not in part[0]}


def locator(file: str, numbers: tuple[int, ...]) -> str:
    """Where in the source a fact stands."""
    return f"{file} row{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def rows_of(place: str) -> frozenset[int]:
    """The row numbers in a locator; empty for a locator of another kind."""
    words, _, numbers = place.rpartition(" row")
    parts = numbers.removeprefix("s").replace(" ", "").split(",")
    return frozenset(map(int, parts)) if words and all(p.isdigit() for p in parts) else frozenset()

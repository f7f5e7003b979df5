"""How the raw tables name a Metapsy file and the rows of it that they are read from."""

from __future__ import annotations

SOURCE = "metapsy"


def locator(file: str, numbers: tuple[int, ...]) -> str:
    """Where in the source a fact stands."""
    return f"{file} row{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def rows_of(place: str) -> frozenset[int]:
    """The row numbers in a locator; empty for a locator of another kind."""
    words, _, numbers = place.rpartition(" row")
    parts = numbers.removeprefix("s").replace(" ", "").split(",")
    return frozenset(map(int, parts)) if words and all(p.isdigit() for p in parts) else frozenset()

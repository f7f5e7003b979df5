"""What a table is declared with: its columns and, of each, what may stand in it and what it means.

One declaration serves raw tables and result tables alike: reading, writing, checking, the code
book and the data package follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from trialpool.digits import DIGITS, NOTHING
from trialpool.results import TrialpoolError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["id", "text", "number", "integer", "choice", "yes_no", "url", "date"]

# What a cell of these kinds looks like, whole, as a regular expression.
PATTERNS: Mapping[str, str] = {
    "id": "[A-Za-z0-9][A-Za-z0-9_.-]*",
    "url": r"https?://[^\s/]+\S*",
    "date": "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, what it means, and what may stand in it.

    `unit` is that of its numbers, `heading` its name for people, `digits` how many significant
    ones are written. A number may reach its limits `low` and `high`.
    """

    name: str
    kind: Kind
    meaning: str
    _: KW_ONLY
    unit: str = ""
    heading: str = ""
    digits: int = DIGITS
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers."""
        return self.kind in ("number", "integer")

    @property
    def nothing(self) -> float:
        """How near to 0 its numbers are 0: those that may be negative are differences."""
        return NOTHING if self.low is None else 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in order, and those that together name a row.

    A file has all of them, but for those it `may_lack`, and those that are `rare`, which the
    schema that such files share leaves out. `further` says what stands in columns that get their
    names from the data; without it there are none.
    """

    name: str
    meaning: str
    _: KW_ONLY
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    further: Column | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def key_of(self, header: Iterable[str]) -> tuple[str, ...]:
        """What names a row in a file with this header: the key, without what the file may lack."""
        lacking = {*self.may_lack} - {*header}
        return tuple(name for name in self.key if name not in lacking)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def with_columns(self, *columns: Column) -> Table:
        """The table with further columns at its end."""
        return replace(self, columns=(*self.columns, *columns))

    def of_header(self, header: Sequence[str]) -> tuple[Column, ...]:
        """The columns of a file with this header.

        Raises
        ------
        TrialpoolError
            when a column is not declared, is missing, or stands elsewhere than it is declared
        """
        known = {column.name: column for column in self.columns}
        others = [name for name in header if name not in known]
        if others and self.further is None:
            raise TrialpoolError(f"{self.name}: no column is declared as {_some(others)}")
        lacking = {*self.may_lack, *self.rare} - {*header}
        expected = [name for name in known if name not in lacking]
        if missing := [name for name in expected if name not in header]:
            raise TrialpoolError(f"{self.name}: missing {_some(missing)}")
        if [name for name in header if name in known] != expected:
            raise TrialpoolError(f"{self.name}: the columns stand in another order than declared")
        if self.further:
            known |= {name: replace(self.further, name=name) for name in others}
        return tuple(known[name] for name in header)

    def frame(self, rows: Iterable[Any] = ()) -> pd.DataFrame:
        """Rows (dictionaries by column, or tuples in order) as a table; a missing cell is blank."""
        # The parts of a review that only read raw tables do without pandas.
        import pandas as pd

        return pd.DataFrame(list(rows), columns=list(self.names))


def _some(names: Sequence[str]) -> str:
    """The first few names of a list."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

"""What is wrong with a protocol: one line per problem, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trialpool.results import TrialpoolError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolProblem:
    """One problem: the dotted key and its value, the rule it breaks, and how to mend it.

    Any part but the rule may be blank.
    """

    key: str = ""
    value: str = ""
    rule: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"{self.key} = {self.value}" if self.value else self.key
        rule = f"{self.rule}; {self.fix}" if self.fix else self.rule
        return f"{where}: {rule}" if where else rule


class SettingsError(ValueError):
    """Several problems of one part of the protocol, for a validator to raise."""

    def __init__(self, problems: Iterable[ProtocolProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ProtocolError(TrialpoolError):
    """The protocol is not usable; the message lists every problem with its key."""

    def __init__(self, message: str, problems: Iterable[ProtocolProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(message)

    @classmethod
    def of(cls, problems: Iterable[ProtocolProblem]) -> ProtocolError:
        """All problems of the protocol as one error, a line each."""
        lines = tuple(problems)
        count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
        head = f"config/review.yaml: {count}; nothing was written"
        return cls("\n".join([head, *map(str, lines)]), lines)

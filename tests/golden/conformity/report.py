"""The report of a run as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from conformity.declared import DIFFERENCES
from conformity.ledger import Ledger, Tally

SHOWN = 5  # cases over tolerance per quantity


def text(ledger: Ledger) -> str:
    """Quantities, differences by definition, quantities not yet there, and the verdict."""
    return "\n".join(
        [*_quantities(ledger), "", *_differences(ledger), "", *_not_yet(ledger), "",
         *_unread(ledger), *_failures(ledger), verdict(ledger)]
    )  # fmt: skip


def verdict(ledger: Ledger) -> str:
    """One line."""
    compared = sum(tally.compared for tally in ledger.tallies.values())
    return (
        f"{len(ledger.files)} files, {len(ledger.tallies)} quantities: {compared} numbers compared,"
        f" {ledger.over} over tolerance, {sum(ledger.differences.values())} different by"
        f" definition, {sum(ledger.not_yet.values())} not yet, {len(ledger.unread)} not readable;"
        f" {ledger.labels} inputs and labels"
    )


def ordered(ledger: Ledger) -> list[Tally]:
    """Tallies in the order of their names."""
    return [ledger.tallies[name] for name in sorted(ledger.tallies)]


def _quantities(ledger: Ledger) -> Iterator[str]:
    width = max((len(name) for name in ledger.tallies), default=8)
    yield f"{'quantity':<{width}}  compared  worst rel.   over  worst case"
    for tally in ordered(ledger):
        yield (
            f"{tally.quantity:<{width}}  {tally.compared:>8}  {tally.worst:>10.1e}  "
            f"{len(tally.over):>5}  {tally.where}"
        )


def _differences(ledger: Ledger) -> Iterator[str]:
    yield "Different by definition:"
    for name, count in sorted(ledger.differences.items()):
        leaves, why = DIFFERENCES[name]
        yield f"  {name} ({count} numbers; {leaves}): {why}"


def _not_yet(ledger: Ledger) -> Iterator[str]:
    """One line per object, with the names of its missing leaves."""
    groups: dict[str, list[str]] = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    for place, n in sorted(ledger.not_yet.items()):
        group = ".".join(place[:-1])
        groups[group].append(place[-1])
        count[group] += n
    yield f"Not yet in the library: {len(ledger.not_yet)} quantities"
    for group, names in groups.items():
        yield f"  {group + ': ' if group else ''}{' '.join(names)} ({count[group]})"


def _unread(ledger: Ledger) -> Iterator[str]:
    """What has another shape than its comparer knows."""
    if ledger.unread:
        yield f"Not readable: {len(ledger.unread)}"
        yield from (f"  {line}" for line in ledger.unread)
        yield ""


def _failures(ledger: Ledger) -> Iterator[str]:
    for tally in ordered(ledger):
        if tally.over:
            yield f"OVER {tally.quantity} (tolerance {tally.kind.rtol:g}, {tally.kind.name}):"
            yield from (f"  {line}" for line in tally.over[:SHOWN])
            if len(tally.over) > SHOWN:
                yield f"  and {len(tally.over) - SHOWN} more"

"""Which judgement of the risk of bias a result has: the one rule, for all who read the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from trialpool.bias_tools import SHOWN_AS
from trialpool.terms import OVERALL
from trialpool.words import text

NOT_ASSESSED = "not assessed"
# What a judgement may be narrowed to.
NARROWED = ("outcome", "instrument")
# From the best to the worst.
_ORDER = ("low", NOT_ASSESSED, "no_information", "some_concerns", "high")

Row = TypeVar("Row", bound=Mapping[str, Any])


class RiskOfBias(Generic[Row]):
    """The judgements of a risk_of_bias.csv, to be asked for those of a result.

    A judgement is of every result of its trial or, where it names an outcome, an instrument or
    both, of the results that have these. Of several that are of a result, the one that names
    more of it holds.

    Parameters
    ----------
    rows : with trial_id, domain and judgement; outcome and instrument may be blank or lacking

    References
    ----------
    Sterne et al. 2019, BMJ 366:l4898: RoB 2 judges results, not trials
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row["trial_id"], row["domain"]), []).append(row)

    def nearest(self, trial: str, domain: str, outcome: str, instrument: str) -> list[Row]:
        """The row that judges a result in a domain; none where nobody did.

        Two where one names its outcome and the other its instrument: nothing says which of them
        holds, and checked tables have no such rows.

        Parameters
        ----------
        outcome, instrument : of the result; blank where it has none
        """
        result = {"outcome": outcome, "instrument": instrument}
        named = [
            ([text(row.get(name)) for name in NARROWED], row)
            for row in self._rows.get((trial, domain), ())
        ]
        fitting = [
            (sum(map(bool, cells)), row)
            for cells, row in named
            if all(cell in ("", result[name]) for cell, name in zip(cells, NARROWED, strict=True))
        ]
        most = max((count for count, _ in fitting), default=0)
        return [row for count, row in fitting if count == most]

    def of(self, trial: str, domain: str, outcome: str, instrument: object = "") -> str:
        """The judgement of a result in a domain, `not assessed` where there is none.

        Those of another tool than RoB 2 are given as `bias_tools.yaml` says they are shown.

        Parameters
        ----------
        instrument
            as effects and studies have it: blank for counts; joined by "; " where a result is
            made of several, which has the worst of their judgements
        """
        judgements: list[str] = []
        for one in text(instrument).split("; "):
            nearest = self.nearest(trial, domain, outcome, one)
            said = [str(row["judgement"]) for row in nearest]
            judgements += [SHOWN_AS.get(word, word) for word in said] or [NOT_ASSESSED]
        return max(judgements, key=_ORDER.index)

    def of_rows(
        self, rows: Iterable[Mapping[str, Any]], outcome: str, domain: str = OVERALL
    ) -> list[str]:
        """The judgement of each effect of an outcome, given with trial_id and instrument."""
        return [self.of(row["trial_id"], domain, outcome, row.get("instrument")) for row in rows]

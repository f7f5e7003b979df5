"""Every kind of problem by its code, with the rule that it breaks in a sentence.

Codes are stable: `checked` cells, `trialpool check --select` and other people's scripts name them.
"""

from __future__ import annotations

from trialpool.review.extraction.checks import CHECKS
from trialpool.review.extraction.emptiness import NAMES
from trialpool.review.extraction.forms import FORMS

# Told by `trialpool check`, beside the checks of the tables' form and content.
BESIDE = {
    "protocol": "The protocol is usable, names what the tables hold, and says which effects count.",
    "not_used": "A row that nobody excluded is used.",
    **NAMES,
    "certainty": "A decision on certainty is of an analysis that is asked.",
    "screening": "What goes into a stage of selection is what comes out of the one before.",
    "claims": "A claim names analyses and questions that are asked.",
    "other_reviews": "What another review found names a condition, an outcome and trials of this.",
    "adjudication": "A ruling between two extractions names a row and a cell that both have.",
    "xlsx": "A workbook can be read.",
}


def kinds() -> dict[str, str]:
    """The rule of each kind of problem, by its code."""
    return {name: check.rule for name, check in CHECKS.items()} | FORMS | BESIDE

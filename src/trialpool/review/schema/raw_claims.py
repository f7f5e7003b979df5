"""The table of claims, which people write."""

from __future__ import annotations

from trialpool.columns import Column, Table
from trialpool.review.schema import raw_parts as p
from trialpool.terms import EXPECTED

CLAIMS = Table(
    name="claims",
    meaning="Optional. Claims that others make, each with the analyses that speak to it; "
    "results/claims.csv answers them.",
    key=("claim_id",),
    columns=(
        Column("claim_id", "id", "the claim's short name", required=True),
        Column("claim", "text", "the claim, in words of one's own", required=True),
        Column("made_in", "text", "where it was made", required=True),
        Column("citation", "text", "its citation; blank where it is not known"),
        Column("expected", "choice", "what the claim says that trials would find: people do "
               "`better` or `worse` with the treatment, it is `not_known`, or the claim is "
               "`out_of_scope` here", required=True, choices=EXPECTED),
        Column("analyses", "text", "the analyses that speak to it, condition/analysis, separated "
               "by `;`; blank if there is none"),
        Column("questions", "text", "questions of time, dose or networks that speak to it, "
               "condition/folder, separated by `;`"),
        p.NOTES,
    ),
)  # fmt: skip

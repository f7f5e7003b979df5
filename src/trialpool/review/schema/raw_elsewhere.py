"""Optional tables: results of other reviews, claims, and how records were selected."""

from __future__ import annotations

from trialpool.columns import Column, Table
from trialpool.effects import measure_of
from trialpool.review.schema import raw_parts as p
from trialpool.terms import EXPECTED

# A change within people, which compares nobody.
WITHIN_PEOPLE = "MC"

OTHER_REVIEWS = Table(
    name="other_reviews",
    meaning="Optional. What other reviews pooled, to stand beside this review's own results.",
    key=("review", "condition", "outcome", "pooled"),
    columns=(
        Column("review", "text", "label, e.g. 'Hartland 2023'", required=True),
        Column("year", "integer", "year", low=1950, high=2100),
        Column("doi", "text", "DOI"),
        Column("condition", "id", "the condition whose page it stands on", required=True),
        p.OUTCOME,
        Column("analysis", "id", "our analysis it is to be compared with; blank if none"),
        Column("pooled", "text", "what was pooled, in words: people, comparison, time",
               required=True),
        Column("k", "integer", "trials pooled; blank when not stated", low=1),
        Column("people", "integer", "participants; blank when not stated", unit="people", low=1),
        Column("measure", "choice", "SMD also of Cohen's d and Hedges' g; MC = mean change within "
               "people, which is no comparison; ratios not logged", required=True,
               choices=("SMD", "MD", "OR", "RR", "RD", "HR", WITHIN_PEOPLE)),
        Column("contrast", "choice", "which way the source subtracts; blank for MC",
               choices=("experimental-control", "control-experimental")),
        Column("estimate", "number", "the pooled estimate as printed", required=True),
        Column("ci_low", "number", "lower 95 % limit as printed"),
        Column("ci_high", "number", "upper 95 % limit as printed"),
        Column("trials", "text", "trial_ids that it has in common with this review, separated by "
               "`;`; blank when they could not be seen"),
        p.CONFIDENCE,
        p.URL,
        p.LOCATOR,
        p.NOTES,
    ),
)  # fmt: skip


def is_ratio(measure: object) -> bool:
    """Whether a measure of the table is a ratio of two groups; one that was refused is None."""
    return measure is not None and measure_of(str(measure)).is_ratio


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

# fmt: off
SCREENING_STAGES = (
    "duplicates", "removed_otherwise", "screened", "excluded_at_screening", "sought",
    "not_retrieved", "assessed",
)

SCREENING = Table(
    name="screening",
    meaning="Optional. How many records and reports went through each stage of selection (PRISMA "
    "2020); what was found stands in search.csv, reports that were read and left out in "
    "excluded.csv.",
    key=("stage",),
    columns=(
        Column("stage", "choice", "the stage", required=True, choices=SCREENING_STAGES),
        Column("n", "integer", "records, or reports from `sought` on; blank when not recorded",
               low=0),
        Column("source", "text", "where the number is from: a log, a program, a paper"),
        p.NOTES,
    ),
)
# fmt: on

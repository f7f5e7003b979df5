"""Tables of what the results mean for people: summary of findings, and the answers to claims."""

from __future__ import annotations

from trialpool.columns import Column, Table
from trialpool.review.schema import parts as p
from trialpool.review.schema import raw_elsewhere
from trialpool.terms import ANSWERS, LEVELS

SUMMARY_OF_FINDINGS = Table(
    "summary_of_findings",
    "What each analysis means for people: risks with and without, and how certain that is.",
    key=("analysis",),
    columns=(
        p.ANALYSIS,
        p.TITLE,
        p.OUTCOME,
        p.MEASURE,
        p.K,
        p.N,
        Column("studied", "text", "diagnoses of the people in its trials"),
        p.ESTIMATE,
        *p.INTERVAL,
        Column("event", "text", "what people are counted for: the outcome, or a response where the "
               "outcome is a score"),
        Column("baseline_risk", "number", "share of people with the event without treatment",
               low=0, high=1),
        Column("baseline_low", "number", "lowest share in the controls of a trial", low=0, high=1),
        Column("baseline_high", "number", "highest share in the controls of a trial",
               low=0, high=1),
        Column("baseline_source", "text", "where the baseline risk comes from"),
        Column("per", "integer", "of how many people the next seven columns are", unit="people",
               low=100),
        Column("control", "integer", "people with the event without treatment", low=0),
        Column("experimental", "integer", "people with the event with treatment", low=0),
        Column("experimental_low", "integer", "lower limit of that", low=0),
        Column("experimental_high", "integer", "upper limit of that", low=0),
        Column("difference", "integer", "how many more with treatment; fewer is negative"),
        Column("difference_low", "integer", "lower limit of that"),
        Column("difference_high", "integer", "upper limit of that"),
        Column("number_needed", "text", "people to treat for one more to benefit (NNTB) or to be "
               "harmed (NNTH), with the interval"),
        Column("nnt_kind", "choice", "which of the two the estimate is; blank at no difference",
               choices=("NNTB", "NNTH")),
        Column("nnt", "number", "its estimate, not rounded", low=1),
        Column("nntb_low", "number", "where the part of the interval that is a benefit starts; "
               "blank without such a part", low=1),
        Column("nntb_high", "number", "where it ends; blank where it reaches infinity", low=1),
        Column("nnth_low", "number", "the same of the part that is a harm", low=1),
        Column("nnth_high", "number", "where it ends; blank where it reaches infinity", low=1),
        p.INSTRUMENT,
        Column("reference_sd", "number", "SD by which an SMD was turned into points of it",
               unit="points", low=0),
        Column("points", "number", "the effect in points of the instrument", unit="points"),
        Column("points_low", "number", "lower limit of that", unit="points"),
        Column("points_high", "number", "upper limit of that", unit="points"),
        Column("certainty", "choice", "how certain the evidence is (GRADE)", choices=LEVELS),
        Column("certainty_basis", "text", "whether that is proposed, decided or stale"),
        Column("statement", "text", "the result in the words of GRADE"),
        p.NOTE,
    ),
)  # fmt: skip

_RAW = raw_elsewhere.OTHER_REVIEWS

OTHER_REVIEWS = Table(
    "other_reviews",
    "What other reviews pooled, beside the analysis here that comes nearest to it.",
    key=("review", "outcome", "pooled"),
    columns=(
        *(_RAW[name] for name in ("review", "year", "doi", "outcome", "analysis", "pooled", "k",
                                  "people", "measure")),
        Column("estimate", "number", "their estimate, experimental minus control or their ratio"),
        *p.INTERVAL,
        Column("our_measure", "text", "the measure of our analysis; blank where none is named"),
        Column("our_k", "integer", "trials in our analysis", low=0),
        Column("our_estimate", "number", "our estimate"),
        Column("our_ci_low", "number", "lower limit of its 95 % interval"),
        Column("our_ci_high", "number", "upper limit of its 95 % interval"),
        Column("in_common", "integer", "trials that both pooled; blank where theirs could not be "
               "seen", low=0),
        Column("trials_in_common", "text", "these trials, joined by `; `"),
        *(_RAW[name] for name in ("confidence", "source_url", "locator")),
        p.NOTE,
    ),
)  # fmt: skip

CLAIMS = Table(
    "claims",
    "The answer to each claim: one word, the analyses behind it, and what would change it.",
    key=("claim_id",),
    columns=(
        Column("claim_id", "id", "the claim", required=True),
        Column("claim", "text", "what is claimed", required=True, heading="Claim"),
        Column("made_in", "text", "where it was made", heading="Made in"),
        Column("answer", "choice", "the answer, by rule", required=True, choices=ANSWERS,
               heading="Answer"),
        Column("reason", "text", "why this answer", required=True),
        Column("analyses", "text", "the analyses behind it, condition/analysis, joined by `; `"),
        Column("questions", "text", "further questions that speak to it, condition/question"),
        Column("certainty", "text", "how certain the evidence is, by analysis"),
        Column("studied", "text", "who was studied, by analysis"),
        Column("absolute", "text", "how many of 100 people with and without treatment"),
        Column("would_change", "text", "what would change the answer"),
        p.NOTE,
    ),
)  # fmt: skip

"""The tables of results/{condition}/{analysis} and those that lay analyses side by side."""

from __future__ import annotations

from dataclasses import replace

from trialpool.columns import Column, Table
from trialpool.review.schema import parts as p
from trialpool.review.schema.findings import CLAIMS, OTHER_REVIEWS, SUMMARY_OF_FINDINGS
from trialpool.review.schema.raw import ADJUDICATION, MISSING_RESULTS, RESULTS, TRIALS
from trialpool.review.schema.trust import TRUST
from trialpool.terms import DECIDED, DOMAINS, LEVELS, OVERALL, PROPOSED, STALE


def _of_trials(name: str) -> Column:
    """A column as the trials' own table has it; of a trial in several conditions the values of all.

    A condition's table may ask for what is not known elsewhere, so nothing is required.
    """
    column = TRIALS[name]
    kind = column.kind if column.kind in ("integer", "number") else "text"
    return Column(name, kind, column.meaning, unit=column.unit)


STUDIES = Table(
    "studies",
    "The effects of the analysis, one per trial unless it takes several, with their weights.",
    key=("effect_id", "part"),
    columns=(
        p.EFFECT,
        p.PART,
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        p.COMPARISON,
        *p.SIDES,
        p.CLASS,
        p.INSTRUMENT,
        p.DEFINITION,
        p.TIME,
        p.TIMEPOINT,
        Column("design", "text", "parallel, or how a crossover trial is taken", heading="Design"),
        Column("basis", "text", "arms = from numbers per arm, contrast = from a reported one"),
        p.MEASURE,
        *p.PEOPLE,
        p.N,
        *p.SCORES,
        *p.COUNTS,
        *p.RATES,
        p.STANDARDISER,
        p.YI,
        p.VI,
        p.ESTIMATE,
        *p.INTERVAL,
        p.WEIGHT,
        Column("formula", "text", "the formula by name"),
        *p.MADE,
    ),
    rare=(*(column.name for column in p.RATES), p.STANDARDISER.name),
)

SELECTION = Table(
    "selection",
    "Effects of the outcome and measure that the analysis leaves out, each with the rule.",
    columns=(
        p.EFFECT,
        p.TRIAL,
        p.STUDY,
        Column("rule", "id", "the rule that decided, by its name (docs/protocol.md)",
               required=True),
        Column("reason", "text", "the rule in words", required=True),
    ),
)  # fmt: skip

_ASKED = tuple(
    replace(MISSING_RESULTS[name], required=False)
    for name in ("status", "n_experimental", "n_control", "n_total", "reported", "reason",
                 "what_if", "what_if_reason")
)  # fmt: skip
MISSING = Table(
    "missing",
    "Trials known to be missing from the analysis, and the result with them at no effect.",
    key=("trial_id",),
    columns=(
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        *_ASKED,
        p.YI,
        p.VI,
        Column("estimate_if_null", "number", "the pooled result with the trial at no effect"),
        Column(
            "ci_low_if_null", "number", "lower limit of its 95 % confidence or credible interval"
        ),
        Column(
            "ci_high_if_null", "number", "upper limit of its 95 % confidence or credible interval"
        ),
        p.SOURCE_URL,
    ),
)

SENSITIVITY = Table(
    "sensitivity",
    "The result under every declared alternative.",
    columns=(
        Column("group", "text", "what is varied", required=True),
        Column("label", "text", "how", required=True),
        p.K,
        *p.RESULT,
        p.TAU2,
        p.I2,
        p.MODEL,
        p.NOTE,
    ),
)

FIGURES = Table(
    "figures",
    "The figures: which are drawn, and why the others are not.",
    key=("figure",),
    columns=(
        Column("figure", "id", "the name of its file", required=True),
        Column("shows", "text", "what a reader sees in it", required=True),
        Column("drawn", "yes_no", "whether it is drawn", required=True),
        Column("width", "number", "of the drawing", unit="pt", low=0),
        Column("height", "number", "of the drawing", unit="pt", low=0),
        Column("reason", "text", "why it is not drawn"),
    ),
)

TRACE = Table(
    "trace",
    "Everything behind the pooled estimate, down to the typed cells.",
    columns=(
        p.STUDY,
        replace(p.EFFECT, required=False),
        Column("level", "choice", "how near to the source", required=True,
               choices=("pooled", "effect", "record", "raw cell")),
        Column("quantity", "text", "what the value is", required=True),
        Column("value", "text", "the value; a raw cell as typed"),
        Column("how", "text", "how it was computed, or whether the effect used it"),
        Column("file", "text", "where it stands"),
        Column("row", "integer", "in which row", low=1),
        Column("column", "text", "in which column"),
        Column("source_url", "text", "where it was read"),
        p.LOCATOR,
        Column("confidence", "choice", "how close to the trial the source is",
               choices=RESULTS["confidence"].choices),
        RESULTS["extracted_by"],
        RESULTS["extracted_on"],
    ),
)  # fmt: skip

CERTAINTY = Table(
    "certainty",
    "How certain the evidence is (GRADE): five domains per analysis, then all together.",
    key=("analysis", "domain"),
    columns=(
        p.ANALYSIS,
        Column("domain", "choice", "the domain; `overall` for all together", required=True,
               choices=(*DOMAINS, OVERALL), heading="Domain"),
        Column("change", "integer", "by how many levels the certainty is lowered; blank where "
               "nobody can tell yet", low=-15, high=0, heading="Change"),
        Column("level", "choice", "the certainty, in the row `overall`; blank without a trial",
               choices=LEVELS),
        Column("basis", "choice", "whether the change is proposed by rule, decided by a person, or "
               "decided on numbers that have changed; of `overall`, the least settled of the five",
               required=True, choices=(PROPOSED, DECIDED, STALE), heading="Basis"),
        Column("proposed", "integer", "the change that the rule proposes", low=-15, high=0),
        Column("reason", "text", "why it proposes it", required=True, heading="Why"),
        Column("numbers", "text", "the numbers it rests on, to be copied into a decision"),
        Column("decision_reason", "text", "a person's reason"),
        Column("decided_by", "text", "who decided"),
        Column("decided_on", "date", "when"),
    ),
)  # fmt: skip

SUMMARY = Table(
    "summary",
    "One row per analysis: its result, how far to trust it, and what it comes to.",
    key=("condition", "analysis"),
    columns=(
        p.CONDITION,
        p.ANALYSIS,
        p.OUTCOME,
        p.MEASURE,
        p.K,
        p.N,
        *p.RESULT,
        p.PI_LOW,
        p.PI_HIGH,
        p.TAU2,
        Column("tau2_ci_low", "number", "lower limit of its 95 % confidence interval", low=0),
        Column("tau2_ci_high", "number", "upper limit of its 95 % confidence interval", low=0),
        p.I2,
        Column("q", "number", "Cochran's Q", low=0),
        Column("q_df", "integer", "its degrees of freedom", low=0),
        Column("q_p_value", "number", "its p value", low=0, high=1),
        p.MODEL,
        p.NOTE,
        Column("conclusion", "text", "what the result says"),
        Column("robust", "text", "whether it holds under the other choices"),
        Column("threat", "text", "what threatens it most"),
        Column("verdict", "text", "result, conclusion and threat in one sentence"),
        replace(
            CERTAINTY["level"], name="certainty", meaning="how certain the evidence is (GRADE)"
        ),
        replace(CERTAINTY["basis"], name="certainty_basis", required=False),
    ),
)

EVIDENCE = Table(
    "missing_evidence",
    "What is known of each trial's result for each analysis (ROB-ME).",
    key=("analysis", "trial_id"),
    columns=(
        p.ANALYSIS,
        p.TITLE,
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        Column("status", "text", "what is known", required=True),
        Column("detail", "text", "what that rests on"),
    ),
)

JUDGEMENTS = Table(
    "missing_evidence_judgements",
    "A proposed judgement of the risk of bias due to missing evidence, per analysis.",
    key=("analysis",),
    columns=(
        p.ANALYSIS,
        p.TITLE,
        p.K,
        p.N,
        Column("because_of_result", "integer", "trials missing because of their result", low=0),
        Column("unclear", "integer", "trials missing, unclear why", low=0),
        Column("other_reason", "integer", "trials missing for another reason", low=0),
        Column("n_of_concern", "number", "people in those missing for their result or unclear why",
               unit="people", low=0),
        Column("size_not_known", "integer", "of these trials without a size", low=0),
        Column("conclusion_changes", "text", "whether the conclusion changes with them added"),
        Column("proposed", "text", "the judgement that is proposed"),
        Column("reason", "text", "why"),
        Column("standing", "text", "whether it is a proposal or a person's decision"),
        Column("decided", "text", "a person's judgement; blank until there is one"),
    ),
)  # fmt: skip

VERIFICATION = Table(
    "verification",
    "Every pooled result recomputed with statsmodels.",
    key=("condition", "analysis", "quantity"),
    columns=(
        p.CONDITION,
        p.ANALYSIS,
        Column("quantity", "text", "what is compared", required=True),
        Column("trialpool", "number", "this library's number"),
        Column("statsmodels", "number", "that of statsmodels"),
        Column("difference", "number", "their difference", low=0),
        Column("tolerance", "number", "the largest that counts as agreement", low=0),
        Column("verdict", "choice", "whether they agree", required=True,
               choices=("agree", "DISAGREE", "not covered")),
        p.NOTE,
    ),
)  # fmt: skip

AGREEMENT = Table(
    "agreement",
    "How often two extractors agree, before any decision.",
    columns=(
        Column("table", "text", "the raw table; `all` for all cells and all trials", required=True),
        Column("column", "id", "the column, or what is counted", required=True),
        Column("kind", "text", "cells, trials, rows, or the kind of the column"),
        Column("compared", "integer", "cells or rows compared", low=0),
        Column("agreed", "integer", "of these alike", low=0),
        Column("percent_agreed", "number", "share alike", unit="%", low=0, high=100),
        Column("ci_low", "number", "its lower 95 % Wilson limit", unit="%"),
        Column("ci_high", "number", "its upper 95 % Wilson limit", unit="%"),
        Column("agreed_rounded", "integer", "alike but for rounding, or alike", low=0),
        Column("only_first", "integer", "rows only the first extractor has", low=0),
        Column("only_second", "integer", "rows only the second extractor has", low=0),
        Column("kappa", "number", "Cohen's kappa", low=-1, high=1),
        Column("reason", "text", "why there is no kappa, or nothing to compare"),
    ),
)

DISAGREEMENTS = Table(
    "disagreements",
    "Every cell and row that two extractors differ in, as typed, with the decision.",
    columns=(
        p.TABLE,
        p.ROW,
        Column("second_row", "integer", "the row of the second extractor's table", low=2),
        p.TRIAL,
        Column("key", "text", "what names the row"),
        Column("column", "id", "the column; `row` for a row that one of them lacks"),
        *(replace(ADJUDICATION[name], required=False) for name in (
            "first", "second", "decision", "reason", "adjudicated_by", "adjudicated_on")),
        Column("status", "choice", "whether it is decided", choices=("open", "adjudicated")),
    ),
)  # fmt: skip

# What stands in the folder of each analysis, in that of each condition, and in results itself.
OF_ANALYSIS = (STUDIES, SELECTION, MISSING, SENSITIVITY, *TRUST, TRACE)
OF_CONDITION = (
    SUMMARY,
    CERTAINTY,
    SUMMARY_OF_FINDINGS,
    OTHER_REVIEWS,
    EVIDENCE,
    JUDGEMENTS,
    AGREEMENT,
    DISAGREEMENTS,
)
CHARACTERISTICS = Table(
    "characteristics",
    "The trials of the review, one row each, over all conditions; blank where no source read "
    "says it.",
    key=("trial_id",),
    columns=(
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        Column("conditions", "text", "the conditions it stands in, joined by `; `"),
        *(_of_trials(name) for name in ("country", "design")),
        Column("diagnosis", "text", "diagnosis in words"),
        *(_of_trials(name) for name in (
            "population", "n_randomised", "mean_age", "percent_women")),
        Column("severity", "text", "mean scores before treatment as reported, by scale and arm"),
        Column("treatment", "text", "the tested arms: dose, route, number of doses"),
        Column("comparator", "text", "the arms compared with: dose, route, number of doses"),
        *(_of_trials(name) for name in (
            "funding", "registration", "citation", "doi", "pmid", "source_url")),
    ),
)  # fmt: skip

PRISMA_FLOW = Table(
    "prisma_flow",
    "The flow of records, reports and trials through selection (PRISMA 2020).",
    key=("condition", "box"),
    columns=(
        Column("condition", "id", "the condition", required=True),
        Column("box", "id", "the box of the flow", required=True),
        Column("says", "text", "the box in words", required=True),
        Column("n", "integer", "how many; blank where it was not recorded", low=0),
        Column("basis", "choice", "whether the number was typed from a record of the search, is "
               "counted or computed from the tables, or was not recorded", required=True,
               choices=("recorded", "counted", "computed", "not recorded")),
        Column("source", "text", "the table it is from"),
        p.NOTE,
    ),
)  # fmt: skip

PRISMA_CHECKLIST = Table(
    "prisma_checklist",
    "The items of PRISMA 2020 and of its extension for living reviews, filled from the build.",
    key=("list", "item"),
    columns=(
        Column("list", "choice", "PRISMA 2020, or PRISMA-LSR for living reviews", required=True,
               choices=("PRISMA 2020", "PRISMA-LSR")),
        Column("item", "text", "the number of the item", required=True),
        Column("topic", "text", "what it asks for, in words of this project", required=True),
        Column("status", "choice", "pass and fail are told from the build; text is for people to "
               "write", required=True, choices=("pass", "fail", "text")),
        Column("where", "text", "the page or file that answers it, within results/"),
        Column("why", "text", "what the status rests on"),
    ),
)  # fmt: skip

OF_REVIEW = (SUMMARY, VERIFICATION, CLAIMS, CHARACTERISTICS, PRISMA_FLOW, PRISMA_CHECKLIST)
RESULT_TABLES = {table.name: table for table in (*OF_ANALYSIS, FIGURES, *OF_CONDITION, *OF_REVIEW)}

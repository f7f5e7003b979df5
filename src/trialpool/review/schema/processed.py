"""The tables of data/processed: clean rows, the account of every raw row, and effects."""

from __future__ import annotations

from dataclasses import replace

from trialpool.columns import Column, Table
from trialpool.review.schema import parts as p
from trialpool.review.schema.raw import CONDITION_TABLES, CONTRASTS, RESULTS

# A warning may be about a whole table; every other row here came from one.
_ROW = replace(p.ROW, required=True)
# A raw table keeps its columns when it is cleaned; `row` says where a row stood.
CLEANED = {
    table.name: replace(table, columns=(_ROW, *table.columns))
    for table in CONDITION_TABLES
    if table not in (RESULTS, CONTRASTS)
}
COMPUTED = Column("computed", "text", "how an SD or a count that is not printed was computed")
# From the instrument's row of instruments.csv, so that no later step reads that table.
OF_INSTRUMENT = (
    Column("reference_sd", "number", "reference SD of the instrument", unit="points", low=0),
    Column("reference_row", "integer", "the row of instruments.csv that has it", low=2),
)


def records_of(results: Table, contrasts: Table) -> Table:
    """One row per reported number, of either table; a cell the other table lacks is blank."""
    both = [c for c in contrasts.columns if c.name not in results]
    shared = set(results.names) & set(contrasts.names)
    columns = [
        replace(column, required=column.required and column.name in shared)
        for column in (*results.columns, COMPUTED, *both, *OF_INSTRUMENT)
    ]
    return Table(
        "records",
        "The rows of results.csv and contrasts.csv that can be used, one per reported number.",
        key=("table", "row"),
        may_lack=results.may_lack,
        columns=(p.TABLE, _ROW, *columns),
    )


RECORDS = records_of(RESULTS, CONTRASTS)

DROPPED = Table(
    "dropped",
    "Every raw row that is not used, with the rule and the reason.",
    key=("table", "row"),
    columns=(
        p.TABLE,
        _ROW,
        p.TRIAL,
        p.OUTCOME,
        Column("rule", "text", "the rule that keeps it out", required=True),
        Column("reason", "text", "the reason in words", required=True),
    ),
)

FLAGS = Table(
    "flags",
    "Every warning of the checks of the raw tables.",
    columns=(
        p.TABLE,
        p.ROW,
        replace(p.TRIAL, required=False),
        Column("column", "id", "the column of the cell"),
        Column("value", "text", "the cell as typed"),
        Column("check", "id", "the check that warns (docs/checks.md)", required=True),
        Column("words", "text", "what the warning means to a reader of the page", required=True),
        Column("rule", "text", "what is odd about it"),
        Column("fix", "text", "what to look at"),
    ),
)
# What of a warning effects depend on.
MARKS = ("table", "row", "check")

ROWS = Table(
    "rows",
    "The account of every raw table: rows in = rows used + rows dropped.",
    key=("table",),
    columns=(
        p.TABLE,
        Column("rows_in", "integer", "rows of the raw table", low=0),
        Column("rows_used", "integer", "rows used", low=0),
        Column("rows_dropped", "integer", "rows in dropped.csv", low=0),
    ),
)

EFFECTS = Table(
    "effects",
    "Every effect the analyses may choose from, on the analysis scale, with its provenance.",
    key=("effect_id", "variant", "part", "measure"),
    columns=(
        p.EFFECT,
        Column("variant", "text", "blank = under the protocol's choices; otherwise the one "
               "choice that differs"),
        p.PART,
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        p.COMPARISON,
        *p.SIDES,
        p.CLASS,
        p.OUTCOME,
        p.INSTRUMENT,
        p.DEFINITION,
        p.TIME,
        p.TIMEPOINT,
        replace(RESULTS["outcome_type"], required=False),
        RESULTS["stratum"],
        RESULTS["analysis_set"],
        RESULTS["primary"],
        Column("design", "text", "parallel, or how a crossover trial is taken"),
        Column("basis", "text", "arms = from numbers per arm, contrast = from a reported "
               "difference"),
        replace(p.MEASURE, required=True),
        p.YI,
        p.VI,
        Column("formula", "text", "the formula by name"),
        p.REASON,
        *p.PEOPLE,
        p.N,
        *p.SCORES,
        *p.COUNTS,
        *p.RATES,
        OF_INSTRUMENT[0],
        p.STANDARDISER,
        *p.MADE,
    ),
    rare=("stratum", "primary", *(column.name for column in p.RATES)),
)  # fmt: skip

# The choices that may decide an effect, as columns of a level each.
AXES = (
    Column("smd_variance", "text", "variance formula of an SMD", heading="Variance of an SMD"),
    Column("crossover", "text", "how a crossover trial is taken", heading="Crossover trials"),
    Column(
        "paired_variance",
        "text",
        "variance formula of a paired SMD",
        heading="Variance of a paired SMD",
    ),
    Column(
        "several_arms", "text", "how several experimental arms are taken", heading="Several arms"
    ),
    Column("medians", "text", "how mean and SD are worked out from quantiles", heading="Medians"),
    Column(
        "change_correlation",
        "text",
        "assumed correlation with baseline",
        heading="Correlation with baseline",
    ),
    Column(
        "change_standardised",
        "text",
        "by which SD a standardised difference of changes is divided",
        heading="SD that divides changes",
    ),
)

UNIVERSES = Table(
    "universes",
    "Effects that hang on a choice, under all combinations of the levels of those choices.",
    columns=(
        p.EFFECT,
        p.PART,
        *AXES,
        p.YI,
        p.VI,
        p.N,
        *p.COUNTS,
        p.REASON,
    ),
)

NOT_ASKED = Table(
    "not_asked",
    "The records of which effects.csv has no effect: what no analysis asks for, and baselines.",
    key=("table", "row"),
    columns=(
        p.TABLE,
        _ROW,
        p.TRIAL,
        p.OUTCOME,
        p.INSTRUMENT,
        p.TIME,
        replace(RESULTS["outcome_type"], required=False),
        Column("reason", "text", "why it makes no effect", required=True),
    ),
)

PROCESSED = {
    table.name: table
    for table in (*CLEANED.values(), RECORDS, DROPPED, FLAGS, ROWS, EFFECTS, UNIVERSES, NOT_ASKED)
}

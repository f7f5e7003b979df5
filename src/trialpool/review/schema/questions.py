"""The tables of results/{condition}/questions: time courses, doses, networks."""

from __future__ import annotations

from dataclasses import replace

from trialpool.columns import Column, Table
from trialpool.review.schema import parts as p
from trialpool.terms import DOSE, NETWORK, TIME

_DAY = Column("day", "number", "days since the first dose", unit="days", heading="Day")
_IN_RANGE = (p.ESTIMATE, *p.INTERVAL)

TIME_POINTS = Table(
    "time_points",
    "Every effect of every trial at every time.",
    columns=(
        p.EFFECT,
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        replace(p.INSTRUMENT, heading="Measured"),
        p.COMPARISON,
        _DAY,
        p.TIMEPOINT,
        p.N,
        *_IN_RANGE,
        p.IN_MODEL,
    ),
)
TIME_CURVE = Table(
    "time_curve",
    "The fitted course.",
    key=("day",),
    columns=(replace(_DAY, required=True), *_IN_RANGE),
)
TIME_SENSITIVITY = Table(
    "time_sensitivity",
    "The course at the observed days under other correlations.",
    key=("correlation", "day"),
    columns=(
        Column("correlation", "number", "of a trial's effects one day apart", required=True,
               low=0, high=1),
        *TIME_CURVE.columns,
    ),
)  # fmt: skip

_DOSE = Column("dose", "number", "dose in the unit of the question", heading="Dose", low=0)
_GIVEN = replace(_DOSE, required=True)
_TRIALS = Column("trials", "integer", "trials", heading="Trials", low=0)

DOSE_POINTS = Table(
    "dose_points",
    "Every contrast between doses, and every trial without one, with the reason.",
    columns=(
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        Column("arms", "text", "arm_ids, joined by `+`", heading="Arms"),
        _DOSE,
        Column("reference_dose", "number", "the dose it is compared with", low=0),
        *_IN_RANGE,
        p.WEIGHT,
        p.IN_MODEL,
        Column("reason", "text", "why it is not", heading="Why not"),
    ),
)
DOSE_LEVELS = Table(
    "dose_levels",
    "How many trials gave each dose.",
    key=("dose",),
    columns=(_GIVEN, _TRIALS, Column("studies", "text", "their names, separated by `;`")),
)
DOSE_CURVE = Table(
    "dose_curve",
    "The fitted effect against dose 0.",
    key=("dose",),
    columns=(_GIVEN, *_IN_RANGE, p.PI_LOW, p.PI_HIGH),
)
DOSE_TERMS = Table(
    "dose_terms",
    "The coefficients of the fitted curve, analysis scale.",
    key=("term",),
    columns=(
        Column("term", "text", "the term", required=True),
        Column("estimate", "number", "its coefficient"),
        Column("se", "number", "its standard error", low=0),
        *p.INTERVAL,
        p.P,
    ),
)

_NODE = Column("treatment", "text", "a node of the network", heading="Treatment", required=True)
_SIDES = tuple(replace(_NODE, name=f"treatment_{i}") for i in (1, 2))
_Q = Column("q", "number", "Q", low=0)

CONTRASTS = Table(
    "contrasts",
    "The differences the network is made of, treatment_1 - treatment_2, analysis scale.",
    key=("trial_id", "treatment_1", "treatment_2"),
    columns=(
        p.TRIAL,
        p.STUDY,
        *_SIDES,
        p.YI,
        p.VI,
        *(
            Column(f"n_{i}", "number", f"people, treatment_{i}", unit="people", low=0)
            for i in (1, 2)
        ),
        Column("basis", "text", "arms = from numbers per arm, contrast = from a reported one"),
        p.INSTRUMENT,
        p.TIME,
        Column("formula", "text", "the formula by name"),
        Column("records", "text", "the rows it is made of, as table.csv:row, separated by `;`"),
    ),
)
LEFT_OUT = Table(
    "left_out",
    "Trials with results of the outcome that give the network none.",
    columns=(p.TRIAL, p.STUDY, p.REASON),
)
NODES = Table(
    "nodes",
    "Who is in each node.",
    key=("treatment",),
    columns=(_NODE, _TRIALS, replace(p.N, name="people", heading="People")),
)
EFFECTS = Table(
    "effects",
    "Every treatment against the reference.",
    key=("model", "treatment"),
    columns=(
        Column("model", "choice", "common or random effects", required=True,
               choices=("common", "random")),
        _NODE,
        Column("reference", "text", "the node it is compared with"),
        replace(p.K, meaning="trials that compare the two directly"),
        *p.RESULT,
        p.PI_LOW,
        p.PI_HIGH,
        p.REASON,
    ),
)  # fmt: skip
LEAGUE = Table(
    "league",
    "Network estimates below the diagonal, direct ones above it. Both compare the treatment that "
    "comes first with the later one.",
    key=("treatment",),
    columns=(_NODE,),
    further=Column("{treatment}", "text", "the estimate against that treatment, with limits"),
)
P_SCORES = Table(
    "p_scores",
    "How sure one can be that a treatment is better than the others.",
    key=("treatment",),
    columns=(
        _NODE,
        Column("p_score", "number", "P-score, random effects", heading="P-score", low=0, high=1),
        Column("p_score_common", "number", "P-score, common effect", low=0, high=1),
    ),
)
_ESTIMATES = tuple(
    Column(f"{name}{end}", "number", f"{words}{limit}")
    for name, words in (
        ("network", "network estimate"),
        ("direct", "direct estimate"),
        ("indirect", "indirect estimate"),
        ("difference", "direct less indirect, or their ratio"),
    )
    for end, limit in (("", ""), ("_low", ", lower limit"), ("_high", ", upper limit"))
)
SPLIT = Table(
    "split",
    "Direct and indirect evidence of every pair.",
    key=("treatment_1", "treatment_2"),
    columns=(
        *_SIDES,
        replace(p.K, meaning="trials that compare the two directly"),
        Column("share_direct", "number", "share of direct evidence", low=0, high=1),
        *_ESTIMATES,
        p.P,
        p.REASON,
    ),
)
INCONSISTENCY = Table(
    "inconsistency",
    "Q of the whole network, within each design, within and between designs.",
    key=("source",),
    columns=(
        Column("source", "text", "which part of Q", required=True),
        _TRIALS,
        _Q,
        Column("q_df", "integer", "its degrees of freedom", low=0),
        Column("q_p_value", "number", "its p value", low=0, high=1),
        p.TAU2,
        p.REASON,
    ),
)
NET_HEAT = Table(
    "net_heat",
    "The net heat matrix, one row per cell; empty without a closed loop.",
    key=("design", "other_design"),
    columns=(
        Column("design", "text", "a design", required=True),
        Column("other_design", "text", "the design that is given effects of its own",
               required=True),
        replace(_TRIALS, meaning="trials of the design"),
        replace(_Q, meaning="the design's own part of Q between designs"),
        Column("change", "number", "change of q when the other design has effects of its own"),
        Column("share", "number", "share of the variance at the design that comes from the other",
               low=0, high=1),
    ),
)  # fmt: skip

# By the kind of question, with which its folder's name begins.
QUESTION_TABLES = {
    kind: {table.name: table for table in tables}
    for kind, tables in {
        TIME: (TIME_POINTS, TIME_CURVE, TIME_SENSITIVITY),
        DOSE: (DOSE_POINTS, DOSE_LEVELS, DOSE_CURVE, DOSE_TERMS),
        NETWORK: (CONTRASTS, LEFT_OUT, NODES, EFFECTS, LEAGUE, P_SCORES, SPLIT, INCONSISTENCY,
                  NET_HEAT),
    }.items()
}  # fmt: skip


ANSWER = "answer.json"


def files_of(question: str) -> list[str]:
    """The files of an answered question, by the name of its folder: its answer and its tables."""
    return [ANSWER, *(f"{name}.csv" for name in QUESTION_TABLES[question.partition("_")[0]])]

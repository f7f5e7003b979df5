"""Columns that several result tables have in common: who, which result, how it came about."""

from __future__ import annotations

from trialpool.columns import Column
from trialpool.review.schema.raw import ARMS, CONTRASTS, RESULTS, TRIALS

TRIAL = TRIALS["trial_id"]
STUDY = Column("study", "text", "label in figures and tables, e.g. 'Feder 2014'", heading="Trial")
YEAR = Column("year", "integer", "year of publication; blank if unpublished", heading="Year")
TABLE = Column("table", "id", "the raw table", required=True)
ROW = Column("row", "integer", "the row of the raw table, as a spreadsheet counts", low=2)
CONDITION = Column("condition", "id", "the condition, a folder of data/raw", required=True)
ANALYSIS = Column("analysis", "id", "the analysis, as declared in the protocol", required=True)
TITLE = Column("title", "text", "its title in the protocol")
CLASS = ARMS["comparator_class"]
OUTCOME, INSTRUMENT, DEFINITION = (RESULTS[n] for n in ("outcome", "instrument", "definition"))
TIME, TIMEPOINT = RESULTS["time_days"], RESULTS["timepoint"]
MEASURE = Column("measure", "id", "the effect measure: SMD, MD, OR, RR, RD, ...")
COMPARISON = Column("comparison", "text", "what is compared, in words", heading="Compared")
EFFECT = Column("effect_id", "text", "the effect: trial, arms, outcome, instrument, definition, "
                "period, time and set of participants", required=True)  # fmt: skip
SIDES = (
    Column("experimental_arms", "text", "arm_ids of the experimental side, joined by `+`"),
    Column("control_arm", "text", "arm_id of the control arm; of effects combined, joined by `+`"),
)
PART = Column("part", "text", "which part of the effect: a stratum of the people, or an arm where "
              "a trial's control is shared out among its arms")  # fmt: skip
SOURCE_URL, LOCATOR = RESULTS["source_url"], RESULTS["locator"]

K = Column("k", "integer", "trials", heading="Trials", low=0)
N = Column("n", "number", "people", unit="people", heading="n", low=0)
ESTIMATE = Column("estimate", "number", "the effect on the scale readers see (ratios not logged)")
CI_LOW = Column("ci_low", "number", "lower limit of its 95 % confidence or credible interval")
CI_HIGH = Column("ci_high", "number", "upper limit of its 95 % confidence or credible interval")
INTERVAL = (CI_LOW, CI_HIGH)
PI_LOW = Column("pi_low", "number", "lower limit of the 95 % prediction interval")
PI_HIGH = Column("pi_high", "number", "upper limit of the 95 % prediction interval")
P = Column("p_value", "number", "two-sided p value", low=0, high=1)
TAU2 = Column("tau2", "number", "between-study variance, analysis scale (ratios logged)", low=0)
I2 = Column("i2", "number", "I2, from tau2 and the typical variance", unit="%", low=0, high=100)
YI = Column("yi", "number", "the effect on the analysis scale (ratios logged)")
VI = Column("vi", "number", "its sampling variance", low=0)
WEIGHT = Column("weight", "number", "share of the weight", unit="%", heading="Weight", low=0,
                high=100)  # fmt: skip
MODEL = Column("model", "text", "the model in words")
METHOD = Column("method", "text", "the method in words")
NOTE = Column("note", "text", "why a number is missing, or what to know of it")
REASON = Column("reason", "text", "why there is no number; blank where there is one", heading="Why")
IN_MODEL = Column("in_model", "yes_no", "whether the model uses it", heading="In the model")

# The two sides of an effect.
PEOPLE = tuple(
    Column(n, "number", c.meaning, unit="people", low=0)
    for n in ("n_experimental", "n_control")
    for c in [CONTRASTS[n]]
)
SCORES = tuple(
    Column(f"{name}_{side}", "number", f"{words}, {side}", unit="points", low=low)
    for side in ("experimental", "control")
    for name, words, low in (("mean", "mean score", None), ("sd", "standard deviation", 0))
)
COUNTS = tuple(
    Column(f"{name}_{side}", "number", f"{words}, {side}", unit="people", low=0)
    for side in ("experimental", "control")
    for name, words in (("event", "people with the event"), ("totaln", "people at risk"))
)
# Of a rate, in a table of which some effect is one.
RATES = tuple(
    Column(f"rate_{name}_{side}", "number", f"of a rate: {words}, {side}", low=0)
    for side in ("experimental", "control")
    for name, words in (("events", "events"), ("time", "time that people were at risk"))
)
STANDARDISER = Column("standardiser", "number", "SD of scores that a difference of changes is "
                      "divided by", unit="points", low=0)  # fmt: skip
# How an effect came about, down to the typed cells.
MADE = (
    Column("imputed", "text", "what was assumed, and how; blank where nothing was"),
    Column("derived", "text", "what was computed before the formula, and how"),
    Column("notes", "text", "notes of the rows it is made of"),
    Column("flags", "text", "checks that warn about these rows, separated by `;`"),
    Column("confidence", "choice", "the least direct source it uses",
           choices=RESULTS["confidence"].choices),
    Column("records", "text", "the rows it is made of, as table.csv:row, separated by `;`"),
    Column("cells", "text", "the raw cells the formula used, by row"),
    LOCATOR,
    Column("source_url", "text", "where the numbers were read, separated by `;`"),
)  # fmt: skip
# A result as a table of many refits shows it.
RESULT = (ESTIMATE, *INTERVAL, P)

"""Columns that several raw tables have in common: whose, which result, when, and the source."""

from __future__ import annotations

from trialpool.columns import Column

TRIAL = Column("trial_id", "id", "the trial; the same id in every table", required=True)
OUTCOME = Column("outcome", "id", "the construct, as declared in config/review.yaml", required=True)
INSTRUMENT = Column("instrument", "id", "the scale, a row of instruments.csv; blank for counts")
STRATUM = Column(
    "stratum",
    "text",
    "part of the trial's people that has a comparison group of its own: a sex, a centre, a dose "
    "group with its share of the controls. Arms are compared within it, and its effects count as "
    "any other. The column may be left out",
)
PRIMARY = Column(
    "primary",
    "yes_no",
    "yes = the trial's declared primary result of its outcome: where an analysis takes one effect "
    "of a trial and its own rules leave several, this one. The column may be left out",
)
ANALYSIS_SET = Column(
    "analysis_set",
    "text",
    "an alternative set of participants (completers, per protocol); blank = the main set, whose "
    "result counts. It tells nothing else apart",
)
DEFINITION = Column(
    "definition", "text", "what counts as an event, e.g. '>=30 % reduction'; blank for scores"
)
PERIOD = Column(
    "period",
    "choice",
    "crossover trials: `first` = first period only, `both` = every participant under both "
    "conditions; parallel trials: `whole`",
    required=True,
    choices=("whole", "first", "both"),
)
TIME = Column(
    "time_days",
    "number",
    "time since the first dose; blank when not stated, and for events counted over the whole "
    "treatment: no day of their own is known",
    unit="days",
)
TIMEPOINT = Column("timepoint", "text", "the time point in the source's own words")
DERIVED = Column("derived", "text", "blank = printed in the source; otherwise how it was computed")
EXCLUDE = Column(
    "exclude_reason",
    "text",
    "blank = use the row; otherwise why the extractor keeps it out (it moves to dropped.csv)",
)
CONFIDENCE = Column(
    "confidence",
    "choice",
    "how close to the trial the source is: the paper, its registry record or posted data "
    "(primary), the abstract, another review's table (secondary)",
    required=True,
    choices=("primary", "abstract", "secondary"),
)
SOURCE = Column("source", "id", "short name of the source, e.g. registry, paper, marchi2022")
URL = Column("source_url", "url", "where the number was read", required=True)
LOCATOR = Column("locator", "text", "where in the source: table, sentence, field")
CHECKED = Column(
    "checked",
    "text",
    "names of the checks whose warning a second look found unfounded, separated by `;`; the "
    "reason stands in notes",
)
BY = Column("extracted_by", "text", "who read the number; blank when not recorded")
ON = Column("extracted_on", "date", "when it was read: YYYY-MM-DD, YYYY-MM or YYYY")
NOTES = Column("notes", "text", "anything a second extractor should know")
# How an extracted number is accounted for.
ACCOUNT = (CHECKED, DERIVED, EXCLUDE, CONFIDENCE, SOURCE, URL, LOCATOR, BY, ON, NOTES)

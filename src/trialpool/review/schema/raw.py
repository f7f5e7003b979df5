"""What each raw table must look like: the one place where columns are declared.

The code book (`data/raw/README.md`) is generated from these declarations, and reading,
checking and cleaning follow them. Column names are those of the Metapsy data standard
where it has a word for the thing (study, year, doi, country, instrument, outcome_type, mean,
sd, n, event, totaln, mean_age, percent_women, rating).
"""

from __future__ import annotations

from dataclasses import replace

from trialpool.bias_tools import BIAS_DOMAINS, CODES, SHOWN_AS, TOOLS
from trialpool.columns import Column, Table
from trialpool.review.schema import raw_parts as p
from trialpool.review.schema.outcomes import OUTCOME_TYPES, REPORTED
from trialpool.review.schema.raw_elsewhere import CLAIMS, OTHER_REVIEWS, SCREENING
from trialpool.terms import DOMAINS

CONFIDENCE = p.CONFIDENCE.choices
JUDGEMENTS = tuple(SHOWN_AS)

# One line per column, as in the tables themselves.
# fmt: off
INSTRUMENTS = Table(
    name="instruments",
    meaning="The scales: what they measure, their range and direction, and what a point means.",
    key=("instrument",),
    columns=(
        Column("instrument", "id", "the scale's short name, as used in all tables", required=True),
        Column("name", "text", "the scale's full name", required=True),
        Column("outcome", "id", "the construct it measures", required=True),
        Column("low", "number", "lowest possible score", unit="points"),
        Column("high", "number", "highest possible score", unit="points"),
        Column("step", "number", "smallest difference between two scores of a person: 1 for whole "
               "numbers; blank when not known or not on a grid", unit="points", low=0),
        Column("better", "choice", "which direction is better", required=True,
               choices=("lower", "higher")),
        Column("rating", "choice", "who rates", choices=("clinician", "self-report")),
        Column("reference_sd", "number", "SD of a stated reference group", unit="points", low=0),
        Column("reference_sd_source", "text", "where the reference SD comes from"),
        Column("mid", "number", "smallest important difference", unit="points", low=0),
        Column("mid_kind", "text", "anchor, distribution, reliable change; person or group"),
        Column("mid_source", "text", "where it comes from"),
        p.NOTES,
    ),
)

TRIALS = Table(
    name="trials",
    meaning="Eligible trials, with or without usable results.",
    key=("trial_id",),
    columns=(
        p.TRIAL,
        Column("study", "text", "label in figures and tables, e.g. 'Feder 2014'", required=True),
        Column("year", "integer", "year of publication; blank if unpublished", low=1950, high=2100),
        Column("citation", "text", "full citation as far as known"),
        Column("doi", "text", "DOI of the report"),
        Column("pmid", "text", "PubMed id"),
        Column("registration", "text", "registry id"),
        Column("country", "text", "country"),
        Column("design", "choice", "design", required=True, choices=("parallel", "crossover")),
        Column("diagnosis", "id", "diagnosis code, e.g. ptsd, social_anxiety_disorder, mdd",
               required=True),
        Column("setting", "choice", "kind of population", required=True,
               choices=("psychiatric", "perioperative", "medical", "healthy")),
        Column("concomitant", "choice", "treatment given to all arms besides the study drug",
           required=True, choices=("none", "usual_medication", "antidepressant", "psychotherapy",
               "ect", "anaesthesia", "unclear", )),
        Column("enriched", "choice",
               "yes = only people who had responded to or tolerated the drug were randomised",
               required=True, choices=("yes", "no")),
        Column("population", "text", "the participants in words"),
        Column("n_randomised", "integer", "participants randomised", unit="people", low=1),
        Column("mean_age", "number", "mean age", unit="years", low=0, high=120),
        Column("percent_women", "number", "share of women", unit="%", low=0, high=100),
        Column("primary_outcome", "text", "the trial's own primary outcome and time"),
        Column("funding", "text", "funding and interests"),
        p.CONFIDENCE,
        p.URL,
        p.NOTES,
    ),
)

ARMS = Table(
    name="arms",
    meaning="The arms of each trial: what was given, how much, how often.",
    key=("trial_id", "arm_id"),
    columns=(
        p.TRIAL,
        Column("arm_id", "id", "the arm within its trial", required=True),
        Column("arm", "text", "label in tables", required=True),
        Column("role", "choice", "experimental or control", required=True,
               choices=("experimental", "control")),
        Column("drug", "id", "what was given, one name for each drug or other treatment",
               required=True),
        Column("comparator_class", "choice", "control arms only: kind of comparator",
               choices=("placebo", "active_placebo", "usual_care", "waiting_list", "no_treatment",
                    "same_ect", "ect", "other")),
        Column("dose", "text", "dose in the source's words"),
        Column("dose_mg_kg", "number", "dose per kg, per administration", unit="mg/kg", low=0),
        Column("dose_mg", "number", "fixed dose per administration", unit="mg", low=0),
        Column("route", "text", "route, e.g. IV over 40 min, intranasal"),
        Column("n_doses", "integer", "administrations planned", low=0),
        Column("n_randomised", "integer", "participants randomised to the arm", low=0),
        p.CONFIDENCE,
        p.URL,
        p.NOTES,
    ),
)

RESULTS = Table(
    name="results",
    meaning="Results per arm: scores (n with mean and SD, SE, CI or median) or events.",
    key=("trial_id", "arm_id", "outcome", "instrument", "definition", "period", "time_days",
         "outcome_type", "stratum", "analysis_set", "source"),
    may_lack=("stratum", "primary", "time_at_risk"),
    columns=(
        p.TRIAL,
        Column("arm_id", "id", "the arm", required=True),
        p.OUTCOME,
        p.INSTRUMENT,
        p.DEFINITION,
        p.PERIOD,
        p.TIME,
        p.TIMEPOINT,
        Column("outcome_type", "choice",
               "msd = score after treatment, change = change from baseline, baseline = before "
               "treatment, event = count of people, rate = events in time at risk, association = "
               "correlation of two variables", required=True,
               choices=tuple(name for names in OUTCOME_TYPES.values() for name in names)),
        p.ANALYSIS_SET,
        Column("n", "integer", "participants with a score", unit="people", low=1),
        Column("mean", "number", "mean score", unit="points"),
        Column("sd", "number", "standard deviation", unit="points", low=0),
        Column("se", "number", "standard error of the mean", unit="points", low=0),
        Column("ci_low", "number", "lower 95 % limit of the mean", unit="points"),
        Column("ci_high", "number", "upper 95 % limit of the mean", unit="points"),
        Column("median", "number", "median", unit="points"),
        Column("q1", "number", "first quartile", unit="points"),
        Column("q3", "number", "third quartile", unit="points"),
        Column("minimum", "number", "lowest score of a participant", unit="points"),
        Column("maximum", "number", "highest score of a participant", unit="points"),
        Column("correlation", "number",
           "correlation of the score with the same people's baseline, as reported; of an "
           "association, the correlation itself", low=-1, high=1),
        Column("event", "integer", "people with the event, or the events of a rate", unit="people",
               low=0),
        Column("totaln", "integer", "people at risk", unit="people", low=1),
        Column("time_at_risk", "number", "of a rate: time that people were at risk, added up over "
               "them; one unit for all trials, such as person-years. The column may be left out",
               low=0),
        Column("percent", "number", "share with the event as printed; gives the count where that "
               "is blank, and is checked against it", unit="%", low=0, high=100),
        p.STRATUM,
        p.PRIMARY,
        *p.ACCOUNT,
    ),
)

CONTRASTS = Table(
    name="contrasts",
    meaning="Differences between arms as reported: estimate with SE, CI, t, F or p.",
    key=("trial_id", "experimental_arm", "control_arm", "outcome", "instrument", "definition",
         "period", "time_days", "effect_measure", "stratum", "analysis_set", "source"),
    may_lack=("stratum", "primary"),
    columns=(
        p.TRIAL,
        Column("experimental_arm", "id", "arm_id of the experimental arm", required=True),
        Column("control_arm", "id", "arm_id of the control arm", required=True),
        p.OUTCOME,
        p.INSTRUMENT,
        p.DEFINITION,
        p.PERIOD,
        p.TIME,
        p.TIMEPOINT,
        Column("effect_measure", "choice",
               "D = Cohen's d, G = Hedges' g; the others as in docs/measures.md, ratios not logged",
               required=True, choices=REPORTED),
        Column("contrast", "choice", "which way the source subtracts", required=True,
               choices=("experimental-control", "control-experimental")),
        p.ANALYSIS_SET,
        Column("estimate", "number", "the estimate as printed"),
        Column("se", "number", "its standard error", low=0),
        Column("ci_low", "number", "lower 95 % limit as printed"),
        Column("ci_high", "number", "upper 95 % limit as printed"),
        Column("t", "number", "t statistic"),
        Column("f", "number", "F statistic with 1 and df degrees of freedom, t squared", low=0),
        Column("df", "number", "degrees of freedom of t, F or p", low=0),
        Column("p_value", "number", "two-sided p value as printed", low=0, high=1),
        Column("p_bound", "yes_no",
           "yes = printed as `p < p_value`; the bound is used, which gives the largest SE, and the "
               "effect is marked"),
        Column("n_experimental", "integer", "participants, experimental", unit="people", low=1),
        Column("n_control", "integer", "participants, control", unit="people", low=1),
        Column("sd_difference", "number", "SD of the within-person difference (paired)", low=0),
        Column("sd_pooled", "number",
           "SD of the scores within the arms, to standardise a mean difference by", unit="points",
               low=0),
        Column("adjusted_for", "text", "covariates, e.g. baseline"),
        p.STRATUM,
        p.PRIMARY,
        *p.ACCOUNT,
    ),
)

RISK_OF_BIAS = Table(
    name="risk_of_bias",
    meaning="Judgements of the risk of bias, by the tool that `tool` names or, where it is blank, "
    "by RoB 2 in its form for the design of the trial. A row is of every result of its trial or, "
    "where it names an outcome or an instrument or both, of the results that have these; of "
    "several rows of a result the one that names more of it holds. `no_information` is no answer "
    "of `overall`: a result without an overall row is not assessed.",
    key=("trial_id", "domain", "outcome", "instrument"),
    may_lack=("tool", "outcome", "instrument"),
    columns=(
        p.TRIAL,
        Column("domain", "choice",
               f"{', '.join(f'{code} {title}' for code, title in BIAS_DOMAINS.items())}, overall; "
               "those of another tool than the trial's are refused", required=True, choices=CODES),
        Column("tool", "choice", "the tool: " + "; ".join(
               f"{name} = {tool.title} ({tool.reference})" for name, tool in TOOLS.items())
               + ". Blank = RoB 2 by design. The column may be left out", choices=tuple(TOOLS)),
        Column("outcome", "id", "the outcome whose results are judged; blank = all. The column may "
               "be left out"),
        Column("instrument", "id", "the instrument whose results are judged; blank = all. The "
               "column may be left out"),
        Column("judgement", "choice", "the judgement", required=True, choices=JUDGEMENTS),
        Column("reason", "text", "why", required=True),
        p.URL,
    ),
)

MISSING_RESULTS = Table(
    name="missing_results",
    meaning="Trials known to exist without usable numbers for an outcome.",
    key=("trial_id", "outcome"),
    columns=(
        p.TRIAL,
        p.OUTCOME,
        Column("status", "choice", "what is known", required=True, choices=(
           "published_without_numbers", "completed_unpublished", "status_unknown", "ongoing", )),
        Column("period", "choice",
               "which part of a crossover the result would be of; parallel trials: `whole`",
               required=True, choices=("whole", "first", "both")),
        Column("time_from_days", "number", "first day with a result; blank when not known", low=0),
        Column("time_to_days", "number", "last day with a result; blank when not known", low=0),
        Column("n_experimental", "integer", "participants, experimental", unit="people", low=1),
        Column("n_control", "integer", "participants, control", unit="people", low=1),
        Column("n_total", "integer", "participants in all; people, also in a crossover", low=1),
        Column("reported", "text", "what the source says about the result, in its words"),
        Column("reason", "text", "why there is no usable number", required=True),
        Column("what_if", "yes_no",
               "enters the what-if analysis; no when an effect was reported or nothing is known",
               required=True),
        Column("what_if_reason", "text", "why it does not, or what was assumed"),
        p.CONFIDENCE,
        p.URL,
        p.LOCATOR,
        p.NOTES,
    ),
)

EXCLUDED = Table(
    name="excluded",
    meaning="Reports seen and not eligible, with the reason.",
    key=("study",),
    columns=(
        Column("study", "text", "label", required=True),
        Column("year", "integer", "year", low=1950, high=2100),
        Column("citation", "text", "citation or title as far as known"),
        Column("doi", "text", "DOI"),
        Column("registration", "text", "registry id"),
        Column("reason_class", "choice", "kind of reason", required=True, choices=("not_randomised",
               "wrong_population", "wrong_intervention", "wrong_comparator", "wrong_outcome",
               "overlapping_report", "secondary_analysis", "no_results_expected", )),
        Column("reason", "text", "the reason in one sentence", required=True),
        p.CONFIDENCE,
        p.URL,
        p.NOTES,
    ),
)

SEARCH = Table(
    name="search",
    meaning="Where was looked, when, and for what. A blank is a blank.",
    key=("source", "what"),
    columns=(
        Column("source", "text", "registry, database or kind of source", required=True),
        Column("what", "text", "what was looked for there", required=True),
        Column("date", "text", "date of the search (YYYY-MM-DD); blank when not recorded"),
        Column("n_records", "integer", "records found; blank when not recorded", low=0),
        Column("source_url", "url", "address"),
        p.NOTES,
    ),
)

CONDITION_TABLES: tuple[Table, ...] = (
    TRIALS,
    ARMS,
    RESULTS,
    CONTRASTS,
    RISK_OF_BIAS,
    MISSING_RESULTS,
    EXCLUDED,
    SEARCH,
)

# Columns that hold a decision on two extractors' cells; `row` stands for the row itself.
WHOLE_ROW = "row"
PRESENT, ABSENT = "present", "absent"

ADJUDICATION = Table(
    name="adjudication",
    meaning="Optional. One row per cell that two extractors read differently: both readings, the "
    "decision and its reason. results.csv and contrasts.csv are the tables of record: they hold "
    "the decision.",
    key=("table", "trial_id", "arm_id", "experimental_arm", "control_arm", "outcome", "instrument",
         "definition", "period", "time_days", "outcome_type", "effect_measure", "stratum",
         "analysis_set", "source", "column"),
    may_lack=("stratum",),
    columns=(
        Column("table", "choice", "the table of the cell", required=True,
               choices=("results", "contrasts")),
        p.TRIAL,
        replace(RESULTS["arm_id"], required=False),
        replace(CONTRASTS["experimental_arm"], required=False),
        replace(CONTRASTS["control_arm"], required=False),
        p.OUTCOME,
        p.INSTRUMENT,
        p.DEFINITION,
        p.PERIOD,
        p.TIME,
        replace(RESULTS["outcome_type"], required=False),
        replace(CONTRASTS["effect_measure"], required=False),
        RESULTS["stratum"],
        RESULTS["analysis_set"],
        p.SOURCE,
        Column("column", "id", "the column of the cell; `row` when one extractor has no such row",
               required=True),
        Column("first", "text", "what the first extractor had typed before the decision; blank = "
               "nothing; for a row `present` or `absent`"),
        Column("second", "text", "what the second extractor typed; likewise"),
        Column("decision", "text", "what holds, as it stands in the table of record; likewise"),
        Column("reason", "text", "why", required=True),
        Column("adjudicated_by", "text", "who decided; blank when not recorded"),
        Column("adjudicated_on", "date", "when: YYYY-MM-DD, YYYY-MM or YYYY"),
    ),
)

CERTAINTY = Table(
    name="certainty",
    meaning="Optional. A person's decisions on the certainty of the evidence (GRADE): one row per "
    "analysis and domain that somebody has decided; results/{condition}/certainty.csv has what "
    "is proposed.",
    key=("analysis", "domain"),
    columns=(
        Column("analysis", "id", "the analysis, as declared in the protocol", required=True),
        Column("domain", "choice", "the domain of GRADE", required=True, choices=DOMAINS),
        Column("decision", "integer", "by how many levels the certainty is lowered: 0, -1, -2 or "
               "-3", required=True, low=-3, high=0),
        Column("reason", "text", "why", required=True),
        Column("by", "text", "who decided", required=True),
        Column("date", "date", "when: YYYY-MM-DD, YYYY-MM or YYYY", required=True),
        Column("numbers", "text", "the numbers it was taken on: the cell `numbers` of the same "
               "analysis and domain in results/{condition}/certainty.csv at that time; a decision "
               "whose numbers have changed is stale", required=True),
    ),
)
# fmt: on

# By name; each stands in a file of that name.
RAW_TABLES = {
    table.name: table
    for table in (
        *(INSTRUMENTS, OTHER_REVIEWS, CLAIMS, *CONDITION_TABLES),
        *(ADJUDICATION, CERTAINTY, SCREENING),
    )
}

# A second extractor may fill these in again, under {condition}/second/.
DOUBLE_TABLES: tuple[Table, ...] = (RESULTS, CONTRASTS)

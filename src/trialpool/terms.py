"""Words that stand in tables of results and are read back by pages.

They live apart from what computes them, so that a page need not import an engine.
"""

# kind of a question of a condition
TIME, DOSE, NETWORK = "time", "dose", "network"

# kind of a row of small_studies.csv
TEST, ESTIMATE = "test", "estimate"

# kinds of rows of subgroups.csv and regressions.csv, besides `TEST`
LEVEL, SLOPE, TRIAL, LINE = "level", "slope", "trial", "line"
UNKNOWN, WITHHELD = "not known", "withheld"

# p of a trend, a bend or a difference between groups that is said to be shown
SIGNIFICANT = 0.05

# method of a test of subgroups.csv
BY_F = "F test of the levels, one tau2, Hartung-Knapp"
BY_Z = "chi-squared test of the levels, common effect"
BY_Q = "Q between the levels, each with its own tau2"
BY_COUNTS = "Q between the levels, {by} in each"
BY_PERMUTATION = "the levels dealt out anew (permutation)"

# target of a row of next_trial.csv
EXCLUDES = "interval excludes no difference"
INCLUDES = "interval includes no difference"
BEYOND = "interval beyond the important difference"

# domain of a row of certainty.csv, in the order of GRADE; the last row is of all together
RISK_OF_BIAS, INCONSISTENCY, INDIRECTNESS = "risk_of_bias", "inconsistency", "indirectness"
IMPRECISION, MISSING_RESULTS, OVERALL = "imprecision", "missing_results", "overall"
DOMAINS = (RISK_OF_BIAS, INCONSISTENCY, INDIRECTNESS, IMPRECISION, MISSING_RESULTS)

# level of certainty, the lowest first, and what it rests on
LEVELS = ("very low", "low", "moderate", "high")
PROPOSED, DECIDED, STALE = "proposed", "decided", "stale"

# status of a trial's result in missing_evidence.csv
AVAILABLE = "in the analysis"
UNUSABLE = "measured, numbers not usable"
RESULT = "missing, presumably because of the result"
OTHER = "missing, for another reason"
UNCLEAR = "missing, unclear why"
NOT_KNOWN = "not measured or not known to be"
OUTSIDE = "outside the analysis"

# what a claim says that trials would find, and the answer to it
BETTER, WORSE, IS_NOT_KNOWN, OUT_OF_SCOPE = "better", "worse", "not_known", "out_of_scope"
EXPECTED = (BETTER, WORSE, IS_NOT_KNOWN, OUT_OF_SCOPE)
SUPPORTED, NOT_SHOWN, CONTRADICTED = "supported", "not shown", "contradicted"
NO_TRIAL, SCOPE = "no trial", "out of scope"
ANSWERS = (SUPPORTED, NOT_SHOWN, CONTRADICTED, NO_TRIAL, SCOPE)

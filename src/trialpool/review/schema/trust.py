"""The tables of an analysis that say how far to trust it."""

from __future__ import annotations

from trialpool.columns import Column, Table
from trialpool.review.schema import parts as p
from trialpool.review.schema.processed import AXES

INFLUENCE = Table(
    "influence",
    "The result without each trial, and how much the trial weighs on it.",
    key=("trial_id",),
    columns=(
        p.TRIAL,
        p.STUDY,
        p.YEAR,
        *p.RESULT,
        p.K,
        p.TAU2,
        p.I2,
        Column("rstudent", "number", "externally standardised residual"),
        Column("dffits", "number", "DFFITS, in standard errors of its fitted value"),
        Column("cook_d", "number", "Cook's distance", low=0),
        Column("cov_r", "number", "ratio of the variance of the estimate without it to with it"),
        Column("tau2_del", "number", "tau2 without it", low=0),
        Column("q_del", "number", "Cochran's Q without it", low=0),
        Column("hat", "number", "leverage", low=0, high=1),
        p.WEIGHT,
        Column("dfbetas", "number", "DFBETAS, in standard errors of the estimate"),
        Column("influential", "yes_no", "whether the measures call it influential"),
        Column("baujat_x", "number", "its share of Cochran's Q", low=0),
        Column("baujat_y", "number", "its influence on the common-effect estimate", low=0),
        p.NOTE,
    ),
)

CUMULATIVE = Table(
    "cumulative",
    "The result as it grew, trials added by year.",
    key=("step",),
    columns=(
        Column("step", "integer", "trials so far", required=True, low=1),
        p.TRIAL,
        p.YEAR,
        p.STUDY,
        p.K,
        *p.RESULT,
        p.TAU2,
        p.MODEL,
        p.NOTE,
    ),
)

WEIGHTS = Table(
    "weights",
    "How much of the weight hangs on what.",
    key=("by", "level"),
    columns=(
        Column("by", "text", "the property", required=True),
        Column("level", "text", "its level", required=True),
        p.K,
        p.WEIGHT,
        Column("trials", "text", "their names"),
    ),
)

SMALL_STUDIES = Table(
    "small_studies",
    "Tests of funnel asymmetry, and estimates that allow for small-study effects.",
    columns=(
        Column("method", "text", "the test or the estimate", required=True),
        Column("kind", "choice", "test or estimate", choices=("test", "estimate")),
        p.ESTIMATE,
        *p.INTERVAL,
        Column("statistic", "number", "the test statistic"),
        Column("df", "number", "its degrees of freedom", low=0),
        p.P,
        p.NOTE,
        Column("reference", "text", "who proposed it"),
    ),
)

MISSING_EFFECT = Table(
    "missing_effect",
    "The result against the effect that all missing trials are assumed to have found.",
    columns=(
        Column("assumed", "number", "the assumed effect, on the scale readers see"),
        p.ESTIMATE,
        *p.INTERVAL,
    ),
)

NEXT_TRIAL = Table(
    "next_trial",
    "The smallest next trial that would change the conclusion.",
    columns=(
        Column("finds", "text", "which effect the next trial finds"),
        Column("effect", "number", "that effect, on the scale readers see"),
        Column("target", "text", "the conclusion that is asked for"),
        Column("reached", "yes_no", "whether a trial of any size searched reaches it"),
        Column("n_total", "integer", "people in both arms, equal in size", unit="people", low=0),
        p.ESTIMATE,
        *p.INTERVAL,
        p.NOTE,
    ),
)

COVERAGE = Table(
    "coverage",
    "How often intervals of the shown model and of the alternatives hold the truth, by simulation.",
    columns=(
        p.TAU2,
        Column("tau2_is", "text", "where that tau2 comes from"),
        p.METHOD,
        Column("shown", "yes_no", "whether it is the model that is shown"),
        Column("interval", "text", "confidence or prediction interval"),
        Column("nominal", "number", "the level it is meant to have", low=0, high=1),
        Column("coverage", "number", "how often it held the truth", low=0, high=1),
        Column("mc_se", "number", "Monte Carlo standard error of it", low=0),
        Column("width_mean", "number", "mean width, as `width_is` says", low=0),
        Column("width_median", "number", "median width", low=0),
        Column("width_is", "text", "a difference, or the ratio of the upper to the lower limit"),
        Column("replicates", "integer", "simulated meta-analyses", low=0),
        Column("failed", "integer", "of these without an interval", low=0),
        Column("sampling", "text", "how the trials' results were drawn"),
        p.NOTE,
    ),
)

PRIORS = Table(
    "priors",
    "The Bayesian result under each prior of tau: medians and 95 % intervals.",
    columns=(
        Column("prior", "text", "the prior of tau"),
        Column("reference", "text", "who proposed it"),
        Column("protocol", "yes_no", "whether it is the protocol's own"),
        Column("mu", "number", "the mean effect, on the scale readers see"),
        Column("mu_low", "number", "its lower limit"),
        Column("mu_high", "number", "its upper limit"),
        Column("tau", "number", "between-study standard deviation, analysis scale", low=0),
        Column("tau_low", "number", "its lower limit", low=0),
        Column("tau_high", "number", "its upper limit", low=0),
        Column("new_low", "number", "lower limit of the true effect of a new trial"),
        Column("new_high", "number", "upper limit of the true effect of a new trial"),
        *(
            Column(name, "number", f"probability that {what}", low=0, high=1)
            for name, what in (
                ("p_benefit", "the mean effect is a benefit"),
                ("p_important", "it is a benefit that matters"),
                ("p_harm_important", "it is a harm that matters"),
                ("p_new_benefit", "a new trial's true effect is a benefit"),
            )
        ),
        p.NOTE,
    ),
)

# The factors of the multiverse, in the order of files and pages. One has a column only where it
# changes something.
FACTORS = (
    Column("comparators", "text", "comparators that enter", heading="Comparator"),
    Column("time_window", "text", "the time window", heading="Time window"),
    Column("time_point", "text", "which of several times of a trial", heading="Time point"),
    Column("instruments", "text", "which of several instruments of a trial", heading="Instrument"),
    *(next(axis for axis in AXES if axis.name == name) for name in (
        "crossover", "paired_variance", "smd_variance", "several_arms", "medians",
        "change_correlation", "change_standardised")),
    Column("risk_of_bias", "text", "whether trials at high risk of bias enter",
           heading="Risk of bias"),
    Column("flagged", "text", "whether results that checks warn about enter",
           heading="Flagged results"),
    Column("missing", "text", "whether missing trials are added with no effect",
           heading="Missing results"),
    Column("estimator", "text", "the model", heading="Model", required=True),
    Column("test", "text", "the test", heading="Test", required=True),
)  # fmt: skip

MULTIVERSE = Table(
    "multiverse",
    "The result under every combination of the declared choices, one row per distinct fit. Only "
    "choices that change something have a column.",
    columns=(
        *FACTORS,
        Column("specifications", "integer", "combinations with this fit", low=1),
        p.K,
        Column("set", "integer", "number of the set of effects", low=1),
        *p.RESULT,
        p.TAU2,
        p.NOTE,
    ),
    may_lack=tuple(factor.name for factor in FACTORS),
)

_MODERATOR = (
    Column("moderator", "id", "the moderator, as declared", required=True),
    p.TITLE,
)
_ARRANGED = Column("arrangements", "integer", "arrangements of the permutation test", low=0)
_DDF = Column("ddf", "number", "denominator degrees of freedom", low=0)
_R2 = Column("r2", "number", "heterogeneity explained", unit="%", low=0, high=100)

SUBGROUPS = Table(
    "subgroups",
    "The result by kind of trial, and the tests between the kinds.",
    columns=(
        *_MODERATOR,
        Column("kind", "choice", "what the row is", required=True,
               choices=("level", "test", "not known", "withheld")),
        Column("level", "text", "the kind of trial"),
        p.K,
        p.N,
        Column("trials", "text", "their names"),
        *p.RESULT,
        p.TAU2,
        p.METHOD,
        Column("shown", "yes_no", "whether the test is the one the page shows"),
        Column("statistic", "number", "the test statistic"),
        Column("df", "number", "its degrees of freedom", low=0),
        _DDF,
        _R2,
        _ARRANGED,
        p.NOTE,
    ),
)  # fmt: skip

REGRESSIONS = Table(
    "regressions",
    "The regression on each number that trials differ in: slope, trials, and the line.",
    columns=(
        *_MODERATOR,
        Column("kind", "choice", "what the row is", required=True,
               choices=("slope", "trial", "line", "not known", "withheld")),
        p.STUDY,
        p.K,
        Column("x", "number", "the trial's value"),
        p.ESTIMATE,
        *p.INTERVAL,
        p.WEIGHT,
        p.P,
        Column("p_permutation", "number", "p value of the permutation test", low=0, high=1),
        _ARRANGED,
        _DDF,
        p.TAU2,
        _R2,
        Column("vif", "number", "variance inflation with all covariates at once", low=0),
        p.METHOD,
        p.NOTE,
    ),
)  # fmt: skip

# The tables of an analysis that say how far to trust it; each is a file of that name.
TRUST = (INFLUENCE, CUMULATIVE, WEIGHTS, SMALL_STUDIES, MISSING_EFFECT, NEXT_TRIAL, COVERAGE,
         PRIORS, MULTIVERSE, SUBGROUPS, REGRESSIONS)  # fmt: skip
# Each is a file of that name.
TRUST_TABLES = tuple(table.name for table in TRUST)

"""How effects are computed and pooled by default: `defaults` in the protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from trialpool.bias_tools import SHOWN_AS
from trialpool.columns import Column
from trialpool.pooling.policy import COUNT_METHODS
from trialpool.review.protocol.base import Identifier, Spec, Word
from trialpool.review.protocol.multiverse_spec import MULTIVERSE, MultiverseSpec
from trialpool.review.protocol.thresholds import Important
from trialpool.review.protocol.vocabulary import (
    ArmsHandling,
    Comparator,
    Correlation,
    Estimator,
    MedianMethod,
    PairedVariance,
    SmdVariance,
    Standardise,
    Test,
)
from trialpool.review.schema.added import Added
from trialpool.review.schema.raw import ARMS, RISK_OF_BIAS, TRIALS

Handling = Literal["one", "all", "lowest", "highest", "combined", "che"]
# Handlings under which a trial's effects stand beside each other in one model.
TOGETHER = ("all", "che")


class Model(Spec):
    """How effects are pooled."""

    method: Literal["IV", "MH", "MH-DL", "Peto"] = "IV"
    tau2: Estimator = "REML"
    test: Test = "hksj"
    prediction: Literal["k-1", "k-2"] = "k-1"
    variance: Literal["Sato", "Greenland-Robins"] | None = None

    @model_serializer(mode="wrap")
    def _as_stated(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the variance where none is named."""
        out: dict[str, Any] = write(self)
        return {name: value for name, value in out.items() if name != "variance" or value}

    @model_validator(mode="before")
    @classmethod
    def _as_its_method_has_it(cls, given: Any) -> Any:
        """MH-DL has one tau2 and one test, which need not be said and cannot be others."""
        if isinstance(given, str):
            raise ValueError(
                f"'{given}' is no model; give one such as {{method: IV, tau2: REML}}, or the word "
                "revman"
            )
        if not isinstance(given, dict) or given.get("method") != "MH-DL":
            return given
        for name, only in {"tau2": "DL", "test": "z"}.items():
            if given.get(name, only) != only:
                raise ValueError(f"{name} = {given[name]}: MH-DL has {only}; remove it")
        return {**given, "tau2": "DL", "test": "z"}

    @property
    def counts(self) -> str:
        """The method that pools counts, in words; blank where effects are pooled."""
        return COUNT_METHODS.get(self.method, "")

    @property
    def how(self) -> dict[str, Any]:
        """How many sets of trials are pooled at once: the settings of `bayes.many.pool_sets`."""
        return {"tau2": self.tau2, "test": self.test}


class Correlated(Model):
    """Correlated and hierarchical effects: several per trial, `rho` between their errors."""

    rho: float

    @classmethod
    def of(cls, model: Model, rho: float) -> Correlated:
        """A model for several effects; t, since its robust variance has degrees of freedom."""
        return cls.model_validate({**model.model_dump(), "test": "t", "rho": rho})


class FewTrials(Model):
    """The model of two to four trials: Bayesian random effects, `tau_scale` in their prior.

    `exact`: of ratios of counts by their own likelihood, else as of any effect with its variance.
    `method`, `tau2` and `test` stay those of the protocol, whose result stands beside it.
    """

    tau_scale: float
    exact: bool = True

    @property
    def how(self) -> dict[str, Any]:
        """As for `Model`, with the prior."""
        return {**super().how, "tau_scale": self.tau_scale}


class Alternative(Spec):
    """Another way to pool, shown beside the protocol's own."""

    tau2: Estimator
    test: Test


class SmdOptions(Spec):
    """Which variance and which small-sample correction a standardised difference uses."""

    variance: SmdVariance = "LS"
    correction: Literal["exact", "approx"] = "exact"


class Crossover(Spec):
    """How a crossover trial with both conditions per participant enters."""

    handling: Literal["paired", "first_period", "parallel", "leave_out"] = "paired"
    correlation: Correlation = 0.5
    correlation_grid: tuple[Correlation, ...] = (0.3, 0.5, 0.7)
    variance: PairedVariance = "SMCRP"


class Change(Spec):
    """How change scores enter.

    `standardise`: which SD divides a difference of changes, and one adjusted for the baseline, in
    an SMD, the other where there is none; or neither. `correlation` is assumed with the baseline
    where a change has no SD of its own.
    """

    standardise: Standardise = "reference_sd"
    correlation: Correlation = 0.5
    correlation_grid: tuple[Correlation, ...] = (0.3, 0.5, 0.7)


class Medians(Spec):
    """How medians become means: by which method, and what happens when they look skewed."""

    method: MedianMethod = "LWS"
    skewed: Literal["refuse", "convert"] = "refuse"


class MultiArm(Spec):
    """How several experimental arms against one control enter."""

    handling: ArmsHandling = "combine"


class Bayes(Spec):
    """Prior of the Bayesian model shown beside a result from few trials."""

    # Of a log ratio 10 is a factor of 22,000 between trials: more is no prior.
    tau_scale: Annotated[float, Field(ge=1e-6, le=10)] = 0.5


# Columns that can tell trials apart: number or not, and the allowed values (none: any).
Telling = dict[str, tuple[bool, tuple[str, ...]]]


def _telling(columns: Iterable[Column]) -> Telling:
    return {
        column.name: (column.numeric, ("yes", "no") if column.kind == "yes_no" else column.choices)
        for column in columns
        if column.kind not in ("url", "date")
    }


def added_columns(info: ValidationInfo, table: str) -> tuple[Column, ...]:
    """What the protocol being checked adds to a raw table; `resolve` says so."""
    added: Added = (info.context or {}).get("added", {})
    return added.get(table, ())


_BIAS = tuple(dict.fromkeys(SHOWN_AS.values()))
MODERATOR_COLUMNS: dict[str, Telling] = {
    "studies": {
        "comparator_class": (False, get_args(Comparator)),
        **dict.fromkeys(("instrument", "definition", "design", "basis"), (False, ())),
        "confidence": (False, TRIALS["confidence"].choices),
        **dict.fromkeys(("year", "n", "n_experimental", "n_control", "time_days"), (True, ())),
    },
    **{table.name: _telling(table.columns) for table in (TRIALS, ARMS)},
    "risk_of_bias": dict.fromkeys(RISK_OF_BIAS["domain"].choices, (False, _BIAS)),
}


class Moderator(Spec):
    """Something trials differ in, which may explain why their effects differ.

    A `group` has levels, a `covariate` is a number. Arms are those of the experimental side; the
    columns of risk_of_bias are its domains.
    """

    title: str
    kind: Literal["group", "covariate"]
    table: Literal["studies", "trials", "arms", "risk_of_bias"] = "trials"
    column: str
    levels: dict[Word, Annotated[tuple[Word, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    unit: str = ""
    per: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _choices_are_levels(cls, given: Any, info: ValidationInfo) -> Any:
        """Of a column that the protocol adds, the choices in their order are the levels."""
        if not isinstance(given, dict) or given.get("levels"):
            return given
        columns = _telling(added_columns(info, str(given.get("table", "trials"))))
        _, choices = columns.get(str(given.get("column")), (False, ()))
        return given | {"levels": {choice.replace("_", " "): (choice,) for choice in choices}}

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> Moderator:
        known = MODERATOR_COLUMNS[self.table] | _telling(added_columns(info, self.table))
        if self.column not in known:
            raise ValueError(
                f"column = {self.column}: not a column of {self.table} that can tell trials apart; "
                f"use one of {', '.join(known)}"
            )
        numeric, allowed = known[self.column]
        if numeric != (self.kind == "covariate"):
            holds, fits = ("numbers", "covariate") if numeric else ("words", "group")
            raise ValueError(f"kind = {self.kind}: {self.column} holds {holds}; use {fits}")
        if numeric and self.levels:
            raise ValueError("levels: a covariate has none; remove them")
        seen: dict[str, str] = {}
        for level, values in self.levels.items():
            for value in values:
                if allowed and value not in allowed:
                    raise ValueError(
                        f"levels.{level}: {self.column} is never '{value}'; "
                        f"use one of {', '.join(allowed)}"
                    )
                if value in seen:
                    raise ValueError(
                        f"levels.{level}: '{value}' stands in level {seen[value]} too; "
                        "keep it in one"
                    )
                seen[value] = level
        return self


# What any review can ask: each needs nothing but the tables every review has.
MODERATORS = {
    "comparator": Moderator(
        title="comparator",
        kind="group",
        table="studies",
        column="comparator_class",
        levels={
            "active placebo": ("active_placebo",),
            "inert placebo": ("placebo",),
            "the same ECT": ("same_ect",),
            "another treatment": ("ect", "other"),
            "no placebo": ("usual_care", "waiting_list", "no_treatment"),
        },
    ),
    "risk_of_bias": Moderator(
        title="overall risk of bias",
        kind="group",
        table="risk_of_bias",
        column="overall",
        # A trial without an overall judgement is counted as not known.
        levels={"low": ("low",), "some concerns": ("some_concerns",), "high": ("high",)},
    ),
    "design": Moderator(title="design", kind="group", column="design"),
}


class Forest(Spec):
    """What the forest plot shows beside each trial's own result."""

    shrinkage: bool = False


# What a reader of any meta-analysis asks for first.
ALTERNATIVES = (
    Alternative(tau2="EE", test="z"),
    Alternative(tau2="DL", test="z"),
    Alternative(tau2="PM", test="hksj"),
    Alternative(tau2="REML", test="z"),
    Alternative(tau2="REML", test="knha"),
    Alternative(tau2="REML", test="hksj"),
)


class Defaults(Spec):
    """What holds for every analysis unless it says otherwise."""

    model: Model = Model()
    alternatives: tuple[Alternative, ...] = ALTERNATIVES
    smd: SmdOptions = SmdOptions()
    crossover: Crossover = Crossover()
    change: Change = Change()
    medians: Medians = Medians()
    multi_arm: MultiArm = MultiArm()
    bayes: Bayes = Bayes()
    important: Important = Important()
    multiverse: MultiverseSpec = MULTIVERSE
    moderators: dict[Identifier, Moderator] = Field(default_factory=lambda: dict(MODERATORS))
    forest: Forest = Forest()


# The settings that effects hang on; the others concern pooling.
EFFECT_SETTINGS = ("smd", "crossover", "change", "medians", "multi_arm")

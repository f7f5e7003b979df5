"""Declared once: which leaves are no quantities, and which differ by definition and why."""

from __future__ import annotations

from fnmatch import fnmatchcase

from conformity.reference import Node, Place

# Data, names and settings: keys parted by "/", of which * stands for any one.
LABELS = (
    "dataset",
    "citation",
    "source",
    "metadat_object",
    "kind",
    "depth",
    "software/*",
    "inputs/*",
    "analyses/*/tight",
    "special/tight_glmm",
    "escalc/*/id",
    "escalc/*/measure",
    "escalc/*/options/*",
    "analyses/*/id",
    "analyses/*/measure",
    "analyses/*/k",
    "analyses/*/n_missing",
    "analyses/*/keep",
    "analyses/*/yi",
    "analyses/*/vi",
    "analyses/*/uni/*/z/k",
    "analyses/*/uni/*/z/p",
    "analyses/*/diag/cumul/order",
    "analyses/*/diag/influence/*/dfbs/slab",
    "analyses/*/diag/influence/*/dfbs/digits",
    "analyses/*/diag/selmodel/*/best_from",
    "analyses/*/diag/selmodel/*/*/alternative",
    "analyses/*/metareg/*/influence_REML/dfbs/slab",
    "analyses/*/metareg/*/influence_REML/dfbs/digits",
    "analyses/*/metareg/*/X",
    "analyses/*/metareg/*/X_names",
    "analyses/*/metareg/*/fits/*/z/k",
    "analyses/*/metareg/*/fits/*/z/p",
    "analyses/*/meta_pkg/*/*/k",
    "special/mh/*/k",
    "special/mh/*/k_yi",
    "special/peto/k",
    "special/peto/k_yi",
    "special/glmm/*/k",
    "special/glmm/*/k_yi",
    "special/glmm/*/nAGQ",
    "special/ids/*",
    "special/arms/*",
    "special/cluster",
    "special/study",
    "special/trial",
    "special/outcome",
    "special/time",
    "special/year",
    "special/yi",
    "special/vi",
    "special/V",
    "special/V_phi0.97",
    "special/*/k",
    "special/*/p",
    "special/*/names",
    "special/ranef/*/names",
    "special/robu*/rho",
    "special/robu*/modelweights",
    "special/robu*/small",
    "netmeta/input/*",
    "netmeta/trts",
    "netmeta/comparisons",
    "netmeta/netsplit_*/comparison",
    "netmeta/decomp/label",
    "special/netmeta/input/*",
    "special/netmeta/trts",
    "special/netmeta/comparisons",
    "special/netmeta/netsplit_*/comparison",
    "special/netmeta/decomp/label",
    "cases/*/id",
    "cases/*/yi",
    "cases/*/vi",
    "alcohol_*/data/*",
)
# The R call beside a number, wherever it stands.
CALL = "call"
# An empty sign only says that a bound was found within the range of the search.
SIGNS = ("lb_sign", "ub_sign")

# name: (leaves, why)
DIFFERENCES: dict[str, tuple[str, str]] = {
    "default control": (
        "uni: tau2_default_control, beta_default_control; hc: ci_lb_default",
        "What metafor returns with its own stopping rules, kept in the files to show how far that"
        " is from the converged value. Ours is compared with the converged one.",
    ),
    "likelihood of the estimator": (
        "fit.ML of REML fits; fit.REML of all others",
        "Ours reports the likelihood that the estimator belongs to: restricted for REML, full for"
        " all others. metafor lists both for every fit.",
    ),
    "no interval below three studies": (
        "pi_lb, pi_ub where k < 3",
        "Ours gives no prediction interval below three studies, with the reason; metafor gives"
        " one on one degree of freedom.",
    ),
    "off its own root": (
        "uni: all of a method whose tau2 is not the root in 80-bit arithmetic (`tau2_hp`)",
        "metafor stopped at another maximum, or before it; ours is compared with the root.",
    ),
    "standard error of 0": (
        "stat, pval where all effects are equal and the test is knha",
        "A test needs a standard error: ours gives NaN with the reason, metafor an infinite"
        " statistic.",
    ),
    "one study": (
        "tau2, I2, H2 and what follows from them where k = 1",
        "Heterogeneity of one study is undefined in ours (NaN with the reason); metafor sets tau2"
        " to 0 and I2 to 0.",
    ),
    "blank in the reference": (
        "leave1out, cumul, influence: rows that are missing",
        "A refit that the reference gives no number for; ours has one, or judges a study that"
        " cannot be left out by its hat value.",
    ),
    "nothing to explain": (
        "metareg R2 where tau2 is 0 without moderators",
        "A share of nothing is undefined in ours (NaN with the reason); metafor says 0, or"
        " divides by what its iteration left of 0.",
    ),
    "no intercept": (
        "metareg R2 of designs without an intercept",
        "Ours compares with the model of the intercept alone only where the design has one.",
    ),
    "end of the search": (
        "bounds of tau2, tau, I2, H2 whose sign is > or <",
        "metafor stops looking at its largest tau2 and marks the bound; ours goes on to the root.",
    ),
    "default control of meta": (
        "meta_pkg: random-effects results of ML, REML, EB, PM",
        "meta fits through metafor with its default stopping rules; the converged values are"
        " compared in `uni`.",
    ),
    "default control of a refit": (
        "trimfill: tau2 of REML; meta_pkg bias: tau2_or_phi of Thompson",
        "regtest, trimfill and metabias refit with metafor's default stopping rules. Ours has the"
        " higher likelihood, and all that follows from tau2 is compared at theirs.",
    ),
    "ties but for rounding": (
        "ranktest where two variances agree to 12 digits but not in all",
        "R takes them as different, or counts them as one group when it prints 15 digits, as their"
        " last bits have it; in ours they are ties.",
    ),
    "normal approximation": (
        "meta_pkg bias: Begg",
        "meta gives the score of the rank test with a normal p value; ours gives Kendall's tau and"
        " the exact p value without ties, compared in `ranktest`.",
    ),
    "a study of size 0": (
        "meta_pkg metabin_bias: intercept, se_intercept of Macaskill",
        "A line in the number of patients has no value for an infinitely large study: ours gives"
        " NaN with the reason, meta the height of the line at no patients.",
    ),
    "one null result more": (
        "fsn General: fsnum",
        "metafor rounds where p crosses alpha to the nearest number and adds one. Ours is the"
        " least number that will do; effect and p are compared at theirs.",
    ),
    "zero variance": (
        "escalc yi, vi where vi is exactly 0",
        "A study with a sampling variance of 0 has no weight; ours gives NaN with the reason.",
    ),
    "variance without an effect": (
        "escalc vi where yi is missing",
        "metafor gives a variance that needs sample sizes only even to a study without an effect;"
        " ours gives both or, with the reason, neither.",
    ),
    "mean over studies": (
        "escalc with vtype AV where a study has no finite effect",
        "In metafor one such study (both SDs 0) blanks the mean over studies, and with it all"
        " variances; ours takes the mean over the studies that have one.",
    ),
    "hypergeometric function of GSL": (
        "escalc UCOR where r^2 < 0.005 and n is even, from 8 to 22",
        "metafor calls hyperg_2F1 of the GNU Scientific Library, which is off by up to 9 % there;"
        " the power series, summed to the end, gives our value.",
    ),
    "no tetrachoric correlation": (
        "escalc RTET where a cell is 0",
        "No correlation below 1 fits such a table: ours gives NaN with the reason, metafor the end"
        " of its search, with a variance of 1e8 and more.",
    ),
    "older formula": (
        "escalc by metafor before 4.0: yi of CVR CVRC CVLN; vi of SMDH SMD1H SMCRH PCOR ZPCOR",
        "metafor has changed these formulas since, and ours are the present ones. The wider"
        " folder, made by metafor 5, compares them.",
    ),
    "likelihood by quadrature": (
        "glmm: the fit of UM.FS, CM.AL, PLO, IRLN and of CM.EL for rates with random effects",
        "lme4 leaves a constant out of the log likelihood when it integrates with more than one"
        " point, so that its value is not comparable between models; ours is complete.",
    ),
    "covariance by finite differences": (
        "glmm: QE_Wld, QEp_Wld of UM.RS and CM.EL; vb, pval of UM.RS; standard errors and what"
        " follows from them of CM.EL_EE",
        "lme4 and metafor differentiate numerically, and some of these variances even come out"
        " negative. Ours are derivatives in closed form; for the SE of UM.RS on bcg (0.18214, lme4"
        " 0.18146) a Laplace approximation written for the purpose in R, differentiated by"
        " numDeriv, gives 0.18214.",
    ),
    "optimiser short of the maximum": (
        "glmm CM.EL: tau2, I2, H2 where ours is 0 and has the higher likelihood",
        "metafor's optimiser stops near the end of the range of tau2; ours reaches it.",
    ),
    "default control of selection": (
        "selmodel: `default` where there is `best`",
        "metafor's optimiser with its default stopping rule, kept in the files to show how far that"
        " is from the best that any of its optimisers found, with which ours is compared.",
    ),
    "optimiser short of the maximum of selection": (
        "selmodel: all of a fit where ours has the higher likelihood (by 1e-6 or, with integrals,"
        " by 1e-4 of it)",
        "The best of metafor's optimisers ended on a lower maximum, or before it.",
    ),
    "no selection to estimate": (
        "selmodel: all of a fit where no study has, or is expected to have, its p value in an"
        " interval, or where the likelihood has no maximum",
        "Ours gives NaN with the reason; metafor returns the value it starts from, or a lower"
        " maximum of a likelihood that rises without end.",
    ),
    "selection at a bound": (
        "selmodel: standard errors, intervals and p values where one of both is at a bound",
        "At a bound a parameter has no standard error and the others are given it. metafor"
        " decides by how near to the bound its optimiser stopped.",
    ),
    "default control of rma.mv": (
        "special: default_ll, sigma2_default, tau2_default",
        "Where metafor's optimiser stops with its default rules, kept to show how far that is from"
        " the best of its optimisers (`best_ll`), with which ours is compared.",
    ),
    "rma.mv short of the maximum": (
        "rho of berkey1998 year_UN_REML",
        "By 1.1e-6 away from ours, where the likelihood is higher: log likelihood 2.0731736402789,"
        " theirs 2.0731736402764. All that follows is compared at theirs.",
    ),
    "no correlation in the structure": (
        "rho of the structures ID and DIAG",
        "metafor lists a 0; ours lists no correlation.",
    ),
    "end of the search of confint": (
        "confint_sigma2: a bound that is missing",
        "metafor's search for the bound ended before it; ours is the root.",
    ),
    "integrals to 1e-4": (
        "selmodel beta, halfnorm, negexp: standard errors, intervals and p values",
        "metafor differentiates numerically integrals that are exact to 1e-4; ours are derivatives"
        " in closed form of integrals exact to 1e-10 (test_selection.py).",
    ),
    "one cluster alone": (
        "robu: standard error and what follows where one cluster decides a coefficient; vcovCR CR3"
        " where it decides a combination of coefficients",
        "The residuals of that cluster are 0 and say nothing of the error. Ours gives NaN with the"
        " reason where nothing else is left, robumeta the rounding of 0 (4.9e-8) with 8 degrees of"
        " freedom; in CR3 ours leaves the combination out, clubSandwich divides one rounding error"
        " by another.",
    ),
    "meta's denominator of a risk": (
        "meta_pkg metabin RR: TE, seTE of studies with a zero cell",
        "meta adds 0.5 to the events and to the people of an arm unless RR.Cochrane is set; ours,"
        " as RevMan and metafor, adds it to people without the event as well.",
    ),
    "meta's correction of Mantel-Haenszel": (
        "meta_pkg metabin MH: TE_common and what follows, where a study has a zero cell",
        "meta adds 0.5 to the cells of such a study unless MH.exact is set; ours, as RevMan and"
        " metafor, pools the counts as they are.",
    ),
    "events in everyone": (
        "escalc RR with drop00; mh RR: QE, QEdf, QEp, I2, H2 where a study has events in everyone",
        "With drop00 escalc leaves such a study out, and so does the Q of rma.mh, whose estimate it"
        " enters. Ours has its ratio, which is 1, in both; drop00 = False gives escalc's default.",
    ),
    "cumulative incidence as rates": (
        "alcohol_cvd Slist of the two studies of type ci",
        "dosresmeta fits risk ratios with counts of people as if they were person-time; ours takes"
        " a level's term as 1/cases - 1/people, which reproduces the covariance of crude risk"
        " ratios exactly. With Greenland and Longnecker's counts theirs are our covariances of"
        " rates, and compared as such.",
    ),
}

_NOT_IN_3 = (
    "metafor 3.8-1, which Debian has, does not know it; held by wider folders and by worked"
    " examples in tests/unit"
)
# Estimators and measures of the library without a number in the committed set, and why.
NO_GOLDEN_CASE: dict[str, str] = {
    "GEN": "the numbers are given, not computed",
    "HR": "the numbers are given, not computed",
    "PRZ": _NOT_IN_3,
    "SMCRP": _NOT_IN_3,
    "SMCRPH": _NOT_IN_3,
    "ZSPCOR": _NOT_IN_3,
}


def is_label(leaf: Node) -> bool:
    """Whether a leaf is data, a name or a setting rather than a result."""
    *_, key = leaf.place
    if key in SIGNS:
        return bool(leaf.value == "")
    return key == CALL or any(_matches(leaf.place, label.split("/")) for label in LABELS)


def _matches(place: Place, label: list[str]) -> bool:
    return len(place) == len(label) and all(map(fnmatchcase, place, label))

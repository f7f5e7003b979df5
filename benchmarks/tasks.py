"""What is measured. A new line here is run by everybody who offers its kind."""

from __future__ import annotations

from typing import NamedTuple

# The kinds of work; `{}` is the one word of choice that a kind takes. Whoever offers a kind has a
# function of that name.
KINDS = {
    "fit": "one fit, {}",
    "many": "many fits, {}",
    "subsets": "all subsets (GOSH), {}",
    "leave_one_out": "leave one out, {}",
    "influence": "all case-deletion measures, {}",
    "regression": "meta-regression with 2 moderators, {}, Knapp-Hartung",
    "permutation": "permutation test of 2 moderators, {} refits",
    "selection": "selection model, {}, ML",
    "multilevel": "three levels, {}",
    "bayes": "Bayesian model, {} prior of tau",
    "effects": "effect sizes, {}",
    "check": "`trialpool check` {}, from its start",
    "memory": "peak memory of many fits, {}",
}
# The data sets of data.py.
DATA = {
    "bcg": "13 BCG trials",
    "bcg3": "the first 3 BCG trials",
    "k100": "k = 100",
    "k1000": "k = 1,000",
    "sets": "10,000 sets of k = 20",
    "schools": "56 effects in 11 clusters",
    "clusters": "1,000 clusters of 5",
    "counts": "k = 100,000",
    "tables": "10,000 rows of results",
    "big": "100,000 sets of k = 50",
}


class Task(NamedTuple):
    """One thing to measure."""

    kind: str
    data: str
    option: str

    def __str__(self) -> str:
        return f"{KINDS[self.kind].format(self.option)}: {DATA[self.data]}"


TASKS = (
    *(
        Task("fit", d, tau2)
        for d in ("bcg", "k100", "k1000")
        for tau2 in ("REML", "DL", "PM", "EE")
    ),
    *(Task("many", "sets", tau2) for tau2 in ("REML", "DL", "PM")),
    Task("subsets", "bcg", "REML"),
    Task("leave_one_out", "k100", "REML"),
    Task("leave_one_out", "k1000", "REML"),
    Task("influence", "k100", "REML"),
    Task("regression", "bcg", "REML"),
    Task("permutation", "bcg", "1000"),
    Task("selection", "bcg", "beta"),
    Task("selection", "bcg", "step"),
    Task("multilevel", "schools", "REML"),
    Task("multilevel", "clusters", "REML"),
    Task("bayes", "bcg3", "half-normal"),
    Task("effects", "bcg", "RR"),
    Task("effects", "counts", "RR"),
    Task("check", "tables", "--json"),
    Task("memory", "big", "REML"),
)

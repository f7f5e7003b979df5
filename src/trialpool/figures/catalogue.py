"""The figures of an analysis and of a question: file name, and what a reader sees in each.

A new chart is a module of this folder, a line here, and a line in `review/report/sheets.py`.
"""

FOREST = "forest"
CAPTIONS = {
    FOREST: "Forest plot: the trials, their pooled result and the trials that are missing",
    "leave_one_out": "The result without each trial in turn",
    "baujat": "Baujat plot: which trials add to the heterogeneity, and which move the estimate",
    "gosh": "GOSH plot: the result of every subset of the trials",
    "cumulative": "The result as the trials came in, by year",
    "funnel": "Funnel plot with contours of significance",
    "missing_effect": "What missing trials could change: the result against what they found",
    "priors": "The Bayesian result under several priors of the heterogeneity",
    "specification_curve": "The result under every declared choice of the analysis",
    "subgroups": "The result by kind of trial",
    "bubble": "Effects against covariates of the trials (bubble plot)",
    "next_trial": "What a next trial would have to find (extended funnel plot)",
}

# Those that stand with the words on kinds of trials.
BY_KIND = ("subgroups", "bubble")

# The figures of a condition's questions.
QUESTION_CAPTIONS = {
    "time_course": "Effect against days since the first dose",
    "dose_response": "Effect against dose",
    "network_graph": "The treatments, and the trials that compare them",
    "network_forest": "Each treatment against the reference",
    "net_heat": "Net heat plot: where the network contradicts itself",
    "comparison_adjusted_funnel": "Funnel plot about the mean of each comparison",
}

# What manuscripts take; of all others the drawing that a page shows.
FORMATS = {FOREST: ("svg", "png", "pdf")}

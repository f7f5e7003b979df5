"""The living review: raw tables in data/raw to results/index.html."""

from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from trialpool.modules import dependencies
from trialpool.results import TrialpoolError
from trialpool.review.extraction.ready import ready

min_version("9.10")


configfile: "config/review.yaml"


# A wrong protocol or a wrong cell stops here, before any job: all problems at once.
try:
    REVIEW = ready(config, workflow.configfiles, Path("data/raw"))
except TrialpoolError as error:
    raise WorkflowError(error) from None
PAIRS = REVIEW.pairs()
ANALYSES = [f"{condition}/{analysis}" for condition, analysis in PAIRS]


wildcard_constraints:
    condition="|".join(REVIEW.conditions),
    analysis="|".join(sorted({analysis for _, analysis in PAIRS})),


include: "workflow/rules/extraction.smk"
include: "workflow/rules/agreement.smk"
include: "workflow/rules/synthesis.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/questions.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "results/index.html",
        "results/summary.csv",
        "results/numbers.json",
        "results/verification.csv",
        "results/datapackage.json",
        "data/datapackage.json",
        expand("results/{condition}/index.html", condition=REVIEW.conditions),
        expand("results/{condition}/summary.csv", condition=REVIEW.conditions),
        expand("results/{condition}/questions", condition=REVIEW.conditions),
        expand(
            "results/{analysis}/forest.{suffix}",
            analysis=ANALYSES,
            suffix=["svg", "png", "pdf"],
        ),

"""The pages people read, and the descriptions of the tables that other programs read."""

from trialpool.review.schema.processed import PROCESSED
from trialpool.figures.catalogue import FOREST
from trialpool.review.schema.results import OF_ANALYSIS, OF_CONDITION, OF_REVIEW

PAGE_TABLES = (
    "trials arms risk_of_bias missing_results excluded search dropped flags rows"
).split()
ANSWERS = ["model.json", "studies.csv", "missing.csv", "sensitivity.csv"]


rule page_condition:
    input:
        analyses=lambda wildcards: expand(
            "results/{condition}/{analysis}/{file}",
            condition=wildcards.condition,
            analysis=REVIEW.names()[wildcards.condition],
            file=[
                *ANSWERS,
                "selection.csv",
                "figures.csv",
                *(f"{name}.csv" for name in TRUST_TABLES),
            ],
        ),
        forests=lambda wildcards: expand(
            "results/{condition}/{analysis}/{figure}.svg",
            condition=wildcards.condition,
            analysis=REVIEW.names()[wildcards.condition],
            figure=FOREST,
        ),
        questions=lambda wildcards: QUESTION_FILES[wildcards.condition],
        figures=lambda wildcards: expand(
            "{folder}/figures.csv", folder=QUESTIONS[wildcards.condition]
        ),
        summary="results/{condition}/summary.csv",
        evidence="results/{condition}/missing_evidence.csv",
        judgements="results/{condition}/missing_evidence_judgements.csv",
        processed=expand("data/processed/{{condition}}/{table}.csv", table=PAGE_TABLES),
        agreement="results/{condition}/agreement.csv",
        disagreements="results/{condition}/disagreements.csv",
    output:
        page="results/{condition}/index.html",
    log:
        "logs/page_condition/{condition}.log",
    benchmark:
        "logs/benchmarks/page_condition/{condition}.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("page_condition.py"),
        review=lambda wildcards: REVIEW.for_condition(wildcards.condition),
    script:
        "../scripts/page_condition.py"


rule page:
    input:
        analyses=expand("results/{analysis}/{file}", analysis=ANALYSES, file=ANSWERS),
        flags=expand(
            "data/processed/{condition}/flags.csv", condition=REVIEW.conditions
        ),
        summary="results/summary.csv",
        verification="results/verification.csv",
    output:
        page="results/index.html",
    log:
        "logs/page.log",
    benchmark:
        "logs/benchmarks/page.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("page.py"),
        review=REVIEW.model_dump(mode="json"),
    script:
        "../scripts/page.py"


RAW = [
    "data/raw/instruments.csv",
    *expand(
        "data/raw/{condition}/{table}.csv",
        condition=REVIEW.conditions,
        table=[t.name for t in CONDITION_TABLES],
    ),
    *(
        path
        for condition in REVIEW.conditions
        for path in second_files("data/raw", condition)
    ),
]
LISTS = expand(
    "{folder}/figures.csv", folder=[folder for folders in DRAWN.values() for folder in folders]
)
TABLES = {
    "data": [
        *RAW,
        *expand(
            "data/processed/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=PROCESSED,
        ),
    ],
    "results": [
        *expand("results/{table}.csv", table=[t.name for t in OF_REVIEW]),
        *expand(
            "results/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=[t.name for t in OF_CONDITION],
        ),
        *expand(
            "results/{analysis}/{table}.csv",
            analysis=ANALYSES,
            table=[t.name for t in OF_ANALYSIS],
        ),
        *(
            path
            for paths in QUESTION_FILES.values()
            for path in paths
            if path.endswith(".csv")
        ),
        *LISTS,
    ],
}


rule data_package:
    input:
        RAW,
        # Of each step that writes tables one file: to look each of them up takes longer than
        # to describe it, and rule all names them.
        expand(
            "data/processed/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=["records", "effects", "flags"],
        ),
        expand(
            "results/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=["agreement", "summary"],
        ),
        expand("results/{analysis}/model.json", analysis=ANALYSES),
        QUESTION_ANSWERS,
        "results/summary.csv",
        "results/verification.csv",
        # Their columns do not change when a figure is drawn anew.
        ancient(LISTS),
    output:
        data="data/datapackage.json",
        data_schemas=directory("data/schemas"),
        results="results/datapackage.json",
        results_schemas=directory("results/schemas"),
    log:
        "logs/data_package.log",
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("data_package.py"),
        about={
            "title": REVIEW.title,
            "version": REVIEW.version,
            "licence": REVIEW.data_licence,
        },
        columns=REVIEW.columns.model_dump(mode="json"),
        tables=TABLES,
    script:
        "../scripts/data_package.py"

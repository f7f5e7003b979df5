"""The descriptions of the tables, which other programs read."""

from trialpool.review.schema.processed import PROCESSED
from trialpool.review.schema.results import OF_ANALYSIS, OF_CONDITION, OF_REVIEW

# A review may do without the tables of other reviews and of claims.
RAW = [
    "data/raw/instruments.csv",
    *optional_file("data/raw", "other_reviews"),
    *optional_file("data/raw", "claims"),
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
    "{folder}/figures.csv",
    folder=[folder for folders in DRAWN.values() for folder in folders],
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
        "results/characteristics.csv",
        "results/prisma_checklist.csv",
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

"""The pages people read."""

from trialpool.figures.catalogue import FOREST

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
        certainty="results/{condition}/certainty.csv",
        findings="results/{condition}/summary_of_findings.csv",
        others="results/{condition}/other_reviews.csv",
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
        certainty=expand(
            "results/{condition}/certainty.csv", condition=REVIEW.conditions
        ),
        summary="results/summary.csv",
        claims="results/claims.csv",
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

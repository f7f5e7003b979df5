"""The pages people read."""

PAGE_TABLES = [
    "trials",
    "arms",
    "risk_of_bias",
    "missing_results",
    "excluded",
    "search",
    "dropped",
    "flags",
    "rows",
]
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
                *(f"{name}.csv" for name in TRUST_TABLES),
            ],
        ),
        figures=lambda wildcards: expand(
            "results/{condition}/{analysis}/{figure}.svg",
            condition=wildcards.condition,
            analysis=REVIEW.names()[wildcards.condition],
            figure=["forest", *CHARTS],
        ),
        questions="results/{condition}/questions",
        summary="results/{condition}/summary.csv",
        evidence="results/{condition}/missing_evidence.csv",
        judgements="results/{condition}/missing_evidence_judgements.csv",
        processed=expand("data/processed/{{condition}}/{table}.csv", table=PAGE_TABLES),
        agreement="results/{condition}/agreement.csv",
        disagreements="results/{condition}/disagreements.csv",
        modules=dependencies("workflow/scripts/page_condition.py"),
    output:
        page="results/{condition}/index.html",
    log:
        "logs/page_condition/{condition}.log",
    benchmark:
        "logs/benchmarks/page_condition/{condition}.tsv"
    conda:
        "../../environment.yml"
    params:
        review=lambda wildcards: REVIEW.for_condition(wildcards.condition),
    script:
        "../scripts/page_condition.py"


rule page:
    input:
        analyses=expand("results/{analysis}/{file}", analysis=ANALYSES, file=ANSWERS),
        summary="results/summary.csv",
        verification="results/verification.csv",
        modules=dependencies("workflow/scripts/page.py"),
    output:
        page="results/index.html",
    log:
        "logs/page.log",
    benchmark:
        "logs/benchmarks/page.tsv"
    conda:
        "../../environment.yml"
    params:
        review=REVIEW.model_dump(mode="json"),
    script:
        "../scripts/page.py"

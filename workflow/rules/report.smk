"""The pages people read."""

PAGE_TABLES = (
    "trials arms risk_of_bias missing_results excluded search dropped flags rows"
).split()
PAGES = {
    condition: [
        f"results/{condition}/{page}"
        for page in (
            "index.html",
            "tables.html",
            "README.md",
            *(f"{analysis}/index.html" for analysis in names),
        )
    ]
    for condition, names in REVIEW.names().items()
}
ANSWERS = ["model.json", "studies.csv", "missing.csv", "sensitivity.csv"]


# A rule for each condition, since the pages of its analyses follow from the protocol.
for condition, names in REVIEW.names().items():

    rule:
        name:
            f"pages_{condition}"
        input:
            analyses=expand(
                f"results/{condition}/{{analysis}}/{{file}}",
                analysis=names,
                file=[
                    *ANSWERS,
                    "selection.csv",
                    "figures.csv",
                    *(f"{name}.csv" for name in TRUST_TABLES),
                ],
            ),
            questions=QUESTION_FILES[condition],
            figures=expand("{folder}/figures.csv", folder=QUESTIONS[condition]),
            summary=f"results/{condition}/summary.csv",
            certainty=f"results/{condition}/certainty.csv",
            findings=f"results/{condition}/summary_of_findings.csv",
            others=f"results/{condition}/other_reviews.csv",
            evidence=f"results/{condition}/missing_evidence.csv",
            judgements=f"results/{condition}/missing_evidence_judgements.csv",
            processed=expand(
                f"data/processed/{condition}/{{table}}.csv", table=PAGE_TABLES
            ),
            agreement=f"results/{condition}/agreement.csv",
            disagreements=f"results/{condition}/disagreements.csv",
        output:
            PAGES[condition],
        log:
            f"logs/pages/{condition}.log",
        benchmark:
            f"logs/benchmarks/pages/{condition}.tsv"
        conda:
            "../envs/run.yaml"
        params:
            code=CODE.digest("page_condition.py"),
            review=REVIEW.for_condition(condition),
            menu=REVIEW.menu(),
        script:
            "../scripts/page_condition.py"


rule page:
    input:
        analyses=expand("results/{analysis}/{file}", analysis=ANALYSES, file=ANSWERS),
        certainty=expand(
            "results/{condition}/certainty.csv", condition=REVIEW.conditions
        ),
        findings=expand(
            "results/{condition}/summary_of_findings.csv", condition=REVIEW.conditions
        ),
        claims="results/claims.csv",
    output:
        "results/index.html",
        "results/README.md",
    log:
        "logs/page.log",
    benchmark:
        "logs/benchmarks/page.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("page.py"),
        review=REVIEW.model_dump(mode="json"),
        menu=REVIEW.menu(),
    script:
        "../scripts/page.py"

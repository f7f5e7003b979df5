"""The pages people read."""

PAGE_TABLES = (
    "trials arms risk_of_bias missing_results excluded search dropped flags rows"
).split()
TRIAL_TABLES = "trials arms records risk_of_bias missing_results dropped flags".split()
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


# Which trials there are follows from the data: the folder is made anew as a whole.
rule trials:
    input:
        analyses=expand(
            "results/{analysis}/{file}",
            analysis=ANALYSES,
            file=[*ANSWERS, "selection.csv", "weights.csv"],
        ),
        processed=expand(
            "data/processed/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=TRIAL_TABLES,
        ),
    output:
        pages=directory("results/trials"),
        table="results/characteristics.csv",
        document="results/characteristics.docx",
    log:
        "logs/trials.log",
    benchmark:
        "logs/benchmarks/trials.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("trials.py"),
        review=REVIEW.model_dump(mode="json"),
    script:
        "../scripts/trials.py"


rule methods:
    input:
        models=expand("results/{analysis}/model.json", analysis=ANALYSES),
        studies=expand("results/{analysis}/studies.csv", analysis=ANALYSES),
        processed=expand(
            "data/processed/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=["trials", "records", "risk_of_bias", "search", "excluded"],
        ),
        agreement=expand(
            "results/{condition}/agreement.csv", condition=REVIEW.conditions
        ),
        # Optional files: one becomes an input when it exists.
        screening=[
            path
            for condition in REVIEW.conditions
            for path in optional_file(f"data/raw/{condition}", "screening")
        ],
        claims="results/claims.csv",
        verification="results/verification.csv",
    output:
        page="results/methods.html",
        claims="results/claims.html",
        flow="results/prisma_flow.csv",
        checklist="results/prisma_checklist.csv",
    log:
        "logs/methods.log",
    benchmark:
        "logs/benchmarks/methods.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("methods.py"),
        review=REVIEW.model_dump(mode="json"),
        menu=REVIEW.menu(),
    script:
        "../scripts/methods.py"


rule downloads:
    input:
        models=expand("results/{analysis}/model.json", analysis=ANALYSES),
        studies=expand("results/{analysis}/studies.csv", analysis=ANALYSES),
        tables=expand(
            "results/{condition}/{table}.csv",
            condition=REVIEW.conditions,
            table=[
                "summary",
                "summary_of_findings",
                "certainty",
                "missing_evidence",
                "other_reviews",
            ],
        ),
        characteristics="results/characteristics.csv",
    output:
        bib="results/downloads/references.bib",
        csl="results/downloads/references.json",
        books=expand("results/downloads/{condition}.xlsx", condition=REVIEW.conditions),
        documents=expand(
            "results/downloads/{condition}_findings.docx", condition=REVIEW.conditions
        ),
    log:
        "logs/downloads.log",
    benchmark:
        "logs/benchmarks/downloads.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("downloads.py"),
        review=REVIEW.model_dump(mode="json"),
    script:
        "../scripts/downloads.py"

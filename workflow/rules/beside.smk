"""Beside the answers: trials, methods, claims, and what leaves the review for manuscripts."""

TRIAL_TABLES = "trials arms records risk_of_bias missing_results dropped flags".split()


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
        certainty=expand(
            "results/{condition}/certainty.csv", condition=REVIEW.conditions
        ),
        missing_evidence=expand(
            "results/{condition}/missing_evidence.csv", condition=REVIEW.conditions
        ),
        # Optional files: one becomes an input when it exists.
        screening=[
            path
            for condition in REVIEW.conditions
            for path in optional_file(f"data/raw/{condition}", "screening")
        ],
        claims="results/claims.csv",
        verification=["results/verification.csv"],
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

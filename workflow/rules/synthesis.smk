"""Effects to pooled results, their summary, and the second route."""

from trialpool.review.trust.trust import TRUST_TABLES


rule pool:
    input:
        effects="data/processed/{condition}/effects.csv",
        universes="data/processed/{condition}/universes.csv",
        trials="data/processed/{condition}/trials.csv",
        arms="data/processed/{condition}/arms.csv",
        missing_results="data/processed/{condition}/missing_results.csv",
        risk_of_bias="data/processed/{condition}/risk_of_bias.csv",
        # For the trace only. A raw cell re-runs the effects anyway, so this re-runs nothing more.
        records="data/processed/{condition}/records.csv",
        raw=[
            "data/raw/{condition}/results.csv",
            "data/raw/{condition}/contrasts.csv",
        ],
    output:
        **{
            name: f"results/{{condition}}/{{analysis}}/{name}.csv"
            for name in TRUST_TABLES
        },
        model="results/{condition}/{analysis}/model.json",
        studies="results/{condition}/{analysis}/studies.csv",
        selection="results/{condition}/{analysis}/selection.csv",
        missing="results/{condition}/{analysis}/missing.csv",
        sensitivity="results/{condition}/{analysis}/sensitivity.csv",
        trace="results/{condition}/{analysis}/trace.csv",
    log:
        "logs/pool/{condition}/{analysis}.log",
    benchmark:
        "logs/benchmarks/pool/{condition}/{analysis}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("pool.py"),
        review=lambda wildcards: REVIEW.for_analysis(
            wildcards.condition, wildcards.analysis
        ),
    script:
        "../scripts/pool.py"


rule summary_condition:
    input:
        models=lambda wildcards: expand(
            "results/{condition}/{analysis}/model.json",
            condition=wildcards.condition,
            analysis=REVIEW.names()[wildcards.condition],
        ),
        tables=lambda wildcards: expand(
            "results/{condition}/{analysis}/{table}.csv",
            condition=wildcards.condition,
            analysis=REVIEW.names()[wildcards.condition],
            table=["studies", "selection", "missing"],
        ),
        trials="data/processed/{condition}/trials.csv",
        missing_results="data/processed/{condition}/missing_results.csv",
    output:
        summary="results/{condition}/summary.csv",
        evidence="results/{condition}/missing_evidence.csv",
        judgements="results/{condition}/missing_evidence_judgements.csv",
    log:
        "logs/summary_condition/{condition}.log",
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("summary_condition.py"),
        columns=REVIEW.columns.model_dump(mode="json"),
    script:
        "../scripts/summary_condition.py"


rule summary:
    input:
        models=expand("results/{analysis}/model.json", analysis=ANALYSES),
    output:
        summary="results/summary.csv",
        numbers="results/numbers.json",
    log:
        "logs/summary.log",
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("summary.py"),
    script:
        "../scripts/summary.py"


rule verify:
    input:
        models=expand("results/{analysis}/model.json", analysis=ANALYSES),
        studies=expand("results/{analysis}/studies.csv", analysis=ANALYSES),
    output:
        verification="results/verification.csv",
    log:
        "logs/verify.log",
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("verify.py"),
        columns=REVIEW.columns.model_dump(mode="json"),
    script:
        "../scripts/verify.py"

"""Effects to pooled results, their summary, and the second route."""

from trialpool.review.extraction.claims import known_names
from trialpool.review.extraction.read import optional_file
from trialpool.review.schema.results import OF_ANALYSIS
from trialpool.review.schema.trust import TRUST_TABLES

# Tables of an analysis that its certainty and its missing evidence are told from.
BESIDE = ["studies", "selection", "missing", "weights", "multiverse"]

# A process takes longer to start than to pool: a few analyses share one.
for condition, batches in REVIEW.batches().items():
    for number, names in enumerate(batches, 1):

        rule:
            name:
                f"pool_{condition}_{number}"
            input:
                effects=f"data/processed/{condition}/effects.csv",
                universes=f"data/processed/{condition}/universes.csv",
                trials=f"data/processed/{condition}/trials.csv",
                arms=f"data/processed/{condition}/arms.csv",
                missing_results=f"data/processed/{condition}/missing_results.csv",
                risk_of_bias=f"data/processed/{condition}/risk_of_bias.csv",
                # For the trace only. A raw cell re-runs the effects anyway, so this re-runs
                # nothing more.
                records=f"data/processed/{condition}/records.csv",
                raw=[
                    f"data/raw/{condition}/results.csv",
                    f"data/raw/{condition}/contrasts.csv",
                    "data/raw/instruments.csv",
                ],
            output:
                models=expand(
                    f"results/{condition}/{{analysis}}/model.json", analysis=names
                ),
                tables=expand(
                    f"results/{condition}/{{analysis}}/{{table}}.csv",
                    analysis=names,
                    table=[table.name for table in OF_ANALYSIS],
                ),
            log:
                f"logs/pool/{condition}_{number}.log",
            benchmark:
                f"logs/benchmarks/pool/{condition}_{number}.tsv"
            # On a cluster, with the other steps of the condition (profiles/slurm).
            group:
                "condition"
            conda:
                "../envs/run.yaml"
            params:
                code=CODE.digest("pool.py"),
                review=REVIEW.for_analyses(condition, names),
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
            table=BESIDE,
        ),
        about=expand(
            "data/processed/{{condition}}/{table}.csv",
            table=["trials", "arms", "missing_results"],
        ),
        # An optional file: it becomes an input when it exists.
        decisions=lambda wildcards: optional_file(
            f"data/raw/{wildcards.condition}", "certainty"
        ),
        others=optional_file("data/raw", "other_reviews"),
        instruments="data/raw/instruments.csv",
    output:
        summary="results/{condition}/summary.csv",
        certainty="results/{condition}/certainty.csv",
        findings="results/{condition}/summary_of_findings.csv",
        others="results/{condition}/other_reviews.csv",
        evidence="results/{condition}/missing_evidence.csv",
        judgements="results/{condition}/missing_evidence_judgements.csv",
    log:
        "logs/summary_condition/{condition}.log",
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("summary_condition.py"),
        columns=REVIEW.columns.model_dump(mode="json"),
        tables=BESIDE,
        targets=lambda wildcards: REVIEW.targets(wildcards.condition),
        baselines=lambda wildcards: REVIEW.baseline_risks(wildcards.condition),
    script:
        "../scripts/summary_condition.py"


rule summary:
    input:
        models=expand("results/{analysis}/model.json", analysis=ANALYSES),
        certainty=expand(
            "results/{condition}/certainty.csv", condition=REVIEW.conditions
        ),
        findings=expand(
            "results/{condition}/summary_of_findings.csv", condition=REVIEW.conditions
        ),
        answers=lambda wildcards: QUESTION_ANSWERS,
        # An optional file: it becomes an input when it exists.
        claims=optional_file("data/raw", "claims"),
    output:
        summary="results/summary.csv",
        claims="results/claims.csv",
        numbers="results/numbers.json",
    log:
        "logs/summary.log",
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("summary.py"),
        named=known_names(REVIEW.names(), REVIEW.questions()),
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
        "../envs/run.yaml"
    params:
        code=CODE.digest("verify.py"),
        columns=REVIEW.columns.model_dump(mode="json"),
    script:
        "../scripts/verify.py"

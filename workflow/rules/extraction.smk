"""Raw tables to clean records and effects, one condition at a time."""

from trialpool.review.extraction.clean import OUTPUTS
from trialpool.review.schema.raw import CONDITION_TABLES


rule clean:
    input:
        raw=expand(
            "data/raw/{{condition}}/{table}.csv",
            table=[t.name for t in CONDITION_TABLES],
        ),
        instruments="data/raw/instruments.csv",
    output:
        **{name: f"data/processed/{{condition}}/{name}.csv" for name in OUTPUTS},
    log:
        "logs/clean/{condition}.log",
    benchmark:
        "logs/benchmarks/clean/{condition}.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("clean.py"),
        outcomes=REVIEW.outcome_rules(),
        confidence_order=list(REVIEW.confidence_order),
        columns=REVIEW.columns.model_dump(mode="json"),
    script:
        "../scripts/clean.py"


# The checks ran when the run was planned; what they said comes as data, and no step after this
# but figures and pages depends on their words.
rule flags:
    output:
        flags="data/processed/{condition}/flags.csv",
    log:
        "logs/flags/{condition}.log",
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("flags.py"),
        rows=lambda wildcards: READY.flags[wildcards.condition],
    script:
        "../scripts/flags.py"


rule effects:
    input:
        trials="data/processed/{condition}/trials.csv",
        arms="data/processed/{condition}/arms.csv",
        records="data/processed/{condition}/records.csv",
    output:
        effects="data/processed/{condition}/effects.csv",
        universes="data/processed/{condition}/universes.csv",
        not_asked="data/processed/{condition}/not_asked.csv",
    log:
        "logs/effects/{condition}.log",
    benchmark:
        "logs/benchmarks/effects/{condition}.tsv"
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("effects.py"),
        marks=lambda wildcards: READY.marks(wildcards.condition),
        columns=REVIEW.columns.model_dump(mode="json"),
        measures=lambda wildcards: REVIEW.measures(wildcards.condition),
        changes=lambda wildcards: REVIEW.changes(wildcards.condition),
        defaults=REVIEW.effect_settings(),
        multiverses=lambda wildcards: [
            each.model_dump(mode="json")
            for each in REVIEW.universes(wildcards.condition)
        ],
    script:
        "../scripts/effects.py"

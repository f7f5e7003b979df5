"""Raw tables to clean records and effects, one condition at a time."""

from trialpool.review.extraction.clean import OUTPUTS
from trialpool.review.schema.raw import CONDITION_TABLES
from trialpool.review.extraction.second import second_files


rule clean:
    input:
        raw=expand(
            "data/raw/{{condition}}/{table}.csv",
            table=[t.name for t in CONDITION_TABLES],
        ),
        instruments="data/raw/instruments.csv",
        # What a second extractor read differently marks the row.
        second=lambda wildcards: second_files("data/raw", wildcards.condition),
    output:
        **{name: f"data/processed/{{condition}}/{name}.csv" for name in OUTPUTS},
    log:
        "logs/clean/{condition}.log",
    benchmark:
        "logs/benchmarks/clean/{condition}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("clean.py"),
        outcomes=REVIEW.outcome_rules(),
        confidence_order=list(REVIEW.confidence_order),
        columns=REVIEW.columns.model_dump(mode="json"),
    script:
        "../scripts/clean.py"


rule effects:
    input:
        trials="data/processed/{condition}/trials.csv",
        arms="data/processed/{condition}/arms.csv",
        records="data/processed/{condition}/records.csv",
        flags="data/processed/{condition}/flags.csv",
    output:
        effects="data/processed/{condition}/effects.csv",
        universes="data/processed/{condition}/universes.csv",
    log:
        "logs/effects/{condition}.log",
    benchmark:
        "logs/benchmarks/effects/{condition}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("effects.py"),
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

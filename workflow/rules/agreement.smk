"""Two extractors compared, one condition at a time; empty tables where there was one."""

from trialpool.review.extraction.second import second_files


rule agreement:
    input:
        raw=[
            "data/raw/{condition}/results.csv",
            "data/raw/{condition}/contrasts.csv",
        ],
        # Optional files: they become inputs when they exist.
        second=lambda wildcards: second_files("data/raw", wildcards.condition),
    output:
        agreement="results/{condition}/agreement.csv",
        disagreements="results/{condition}/disagreements.csv",
    log:
        "logs/agreement/{condition}.log",
    conda:
        "../envs/run.yaml"
    params:
        code=CODE.digest("agreement.py"),
        columns=REVIEW.columns.model_dump(mode="json"),
    script:
        "../scripts/agreement.py"

"""Questions of a condition beyond one number: how fast and how long, which dose, against what."""


rule questions:
    input:
        effects="data/processed/{condition}/effects.csv",
        universes="data/processed/{condition}/universes.csv",
        trials="data/processed/{condition}/trials.csv",
        arms="data/processed/{condition}/arms.csv",
        missing_results="data/processed/{condition}/missing_results.csv",
        risk_of_bias="data/processed/{condition}/risk_of_bias.csv",
        records="data/processed/{condition}/records.csv",
    output:
        # Its files follow from the protocol's questions.
        folder=directory("results/{condition}/questions"),
    log:
        "logs/questions/{condition}.log",
    benchmark:
        "logs/benchmarks/questions/{condition}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=CODE.digest("questions.py"),
        marks=lambda wildcards: READY.marks(wildcards.condition),
        review=lambda wildcards: REVIEW.for_condition(wildcards.condition),
    script:
        "../scripts/questions.py"

"""All figures of an analysis in one job: starting a process takes longer than drawing them."""

from trialpool.figures.catalogue import CHARTS


rule figures:
    input:
        model="results/{condition}/{analysis}/model.json",
        tables=expand(
            "results/{{condition}}/{{analysis}}/{table}.csv",
            table=["studies", "missing", *TRUST_TABLES],
        ),
        risk_of_bias="data/processed/{condition}/risk_of_bias.csv",
        modules=dependencies("workflow/scripts/figures.py"),
    output:
        forest=multiext("results/{condition}/{analysis}/forest", ".svg", ".png", ".pdf"),
        charts=expand(
            "results/{{condition}}/{{analysis}}/{chart}.svg", chart=list(CHARTS)
        ),
    log:
        "logs/figures/{condition}/{analysis}.log",
    benchmark:
        "logs/benchmarks/figures/{condition}/{analysis}.tsv"
    conda:
        "../../environment.yml"
    script:
        "../scripts/figures.py"

"""Figures, one rule each."""


rule forest:
    input:
        model="results/{condition}/{analysis}/model.json",
        studies="results/{condition}/{analysis}/studies.csv",
        missing="results/{condition}/{analysis}/missing.csv",
        risk_of_bias="data/processed/{condition}/risk_of_bias.csv",
        modules=dependencies("workflow/scripts/forest.py"),
    output:
        svg="results/{condition}/{analysis}/forest.svg",
        png="results/{condition}/{analysis}/forest.png",
        pdf="results/{condition}/{analysis}/forest.pdf",
    log:
        "logs/forest/{condition}/{analysis}.log",
    benchmark:
        "logs/benchmarks/forest/{condition}/{analysis}.tsv"
    conda:
        "../../environment.yml"
    script:
        "../scripts/forest.py"

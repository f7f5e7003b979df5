"""All figures of a condition in one job: a process takes longer to start than to draw."""

from trialpool.figures.catalogue import CHARTS

# A rule for each condition, since its files follow from the protocol.
for condition, names in REVIEW.names().items():

    rule:
        name:
            f"figures_{condition}"
        input:
            models=expand(
                f"results/{condition}/{{analysis}}/model.json", analysis=names
            ),
            tables=expand(
                f"results/{condition}/{{analysis}}/{{table}}.csv",
                analysis=names,
                table=["studies", "missing", *TRUST_TABLES],
            ),
            risk_of_bias=f"data/processed/{condition}/risk_of_bias.csv",
            flags=f"data/processed/{condition}/flags.csv",
        output:
            forests=expand(
                f"results/{condition}/{{analysis}}/forest.{{suffix}}",
                analysis=names,
                suffix=["svg", "png", "pdf"],
            ),
            charts=expand(
                f"results/{condition}/{{analysis}}/{{chart}}.svg",
                analysis=names,
                chart=list(CHARTS),
            ),
        log:
            f"logs/figures/{condition}.log",
        benchmark:
            f"logs/benchmarks/figures/{condition}.tsv"
        # The longest of these jobs should not be the last.
        priority: len(names)
        conda:
            "../../environment.yml"
        params:
            code=CODE.digest("figures.py"),
            columns=REVIEW.columns.model_dump(mode="json"),
        script:
            "../scripts/figures.py"

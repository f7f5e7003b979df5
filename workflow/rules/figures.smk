"""All figures of a condition in one job: a process takes longer to start than to draw.

Which figures can be drawn depends on the trials, so only the lists of them are declared.
"""

from trialpool.figures.catalogue import FOREST, FORMATS
from trialpool.review.report.figure_lists import gone

DRAWN = {
    condition: [
        *expand(f"results/{condition}/{{analysis}}", analysis=names),
        *QUESTIONS[condition],
    ]
    for condition, names in REVIEW.names().items()
}
GONE = {condition: gone(folders) for condition, folders in DRAWN.items()}

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
            questions=QUESTION_FILES[condition],
        output:
            lists=expand("{folder}/figures.csv", folder=DRAWN[condition]),
            forests=expand(
                f"results/{condition}/{{analysis}}/{FOREST}.{{suffix}}",
                analysis=names,
                suffix=FORMATS[FOREST],
            ),
            # What a list names and somebody deleted is asked for by name, and drawn again.
            gone=GONE[condition],
        log:
            f"logs/figures/{condition}.log",
        benchmark:
            f"logs/benchmarks/figures/{condition}.tsv"
        # The longest of these jobs should not be the last.
        priority: len(names)
        conda:
            "../envs/run.yaml"
        params:
            code=CODE.digest("figures.py"),
            columns=REVIEW.columns.model_dump(mode="json"),
        script:
            "../scripts/figures.py"

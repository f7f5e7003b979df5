"""Questions of a condition beyond one number: how fast and how long, which dose, against what."""

from trialpool.review.schema.questions import ANSWER, files_of

QUESTIONS = {
    condition: expand(f"results/{condition}/questions/{{folder}}", folder=folders)
    for condition, folders in REVIEW.questions().items()
}
QUESTION_FILES = {
    condition: [
        f"{folder}/{file}" for folder in folders for file in files_of(Path(folder).name)
    ]
    for condition, folders in QUESTIONS.items()
}
QUESTION_ANSWERS = [
    f"{folder}/{ANSWER}" for folders in QUESTIONS.values() for folder in folders
]

# A rule for each condition that asks, since its files follow from the protocol.
for condition in filter(QUESTIONS.get, QUESTIONS):

    rule:
        name:
            f"questions_{condition}"
        input:
            **{
                name: f"data/processed/{condition}/{name}.csv"
                for name in (
                    "effects",
                    "universes",
                    "trials",
                    "arms",
                    "missing_results",
                    "risk_of_bias",
                    "records",
                )
            },
        output:
            QUESTION_FILES[condition],
        log:
            f"logs/questions/{condition}.log",
        benchmark:
            f"logs/benchmarks/questions/{condition}.tsv"
        # On a cluster, with the other steps of the condition (profiles/slurm).
        group:
            "condition"
        conda:
            "../envs/run.yaml"
        params:
            code=CODE.digest("questions.py"),
            marks=READY.marks(condition),
            review=REVIEW.for_condition(condition),
        script:
            "../scripts/questions.py"

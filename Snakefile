"""The shipped review: its protocol in config/, its tables in data/raw, made by workflow/."""


include: "workflow/Snakefile"


# What is included never decides what `snakemake` makes by default.
rule review:
    default_target: True
    input:
        rules.all.input,

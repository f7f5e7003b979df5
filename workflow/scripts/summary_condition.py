"""The analyses of a condition side by side: results, certainty, what they mean, what is missing."""

from pathlib import Path

from trialpool import logs
from trialpool.review.accounts.rob_me import Written, rob_me
from trialpool.review.certainty.rating import certainty
from trialpool.review.extraction.decisions import load_decisions
from trialpool.review.findings.other_reviews import other_reviews, read_other_reviews
from trialpool.review.findings.summary_of_findings import reference_sds, summary_of_findings
from trialpool.review.report.summary import summary_table
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of
from trialpool.words import count

logs.start(snakemake.log[0], snakemake.output)
condition, params = snakemake.wildcards.condition, snakemake.params
added = columns_of(params.columns)
trials, arms, missing = (files.read(path, added) for path in snakemake.input.about)
written = [Written.read(Path(p), params.tables, added) for p in snakemake.input.models]
decided = load_decisions(snakemake.input.decisions, params.targets)
rated = certainty(written, trials, arms, params.targets, decided)
sds, made = reference_sds(snakemake.input.instruments), {"certainty": rated}
made["findings"] = summary_of_findings(written, trials, rated, params.baselines, sds)
made["summary"] = summary_table([each.result for each in written], {condition: rated})
made["others"] = other_reviews(condition, read_other_reviews(snakemake.input.others), written)
made["evidence"], made["judgements"] = rob_me(written, trials, missing)
for name, table in made.items():
    files.write(snakemake.output[name], table)
logs.done(f"{condition}: {count(len(written), 'analysis')} rated")

"""The analyses of a condition side by side: results, certainty, what they mean, what is missing."""

from pathlib import Path

from trialpool import logs
from trialpool import words as w
from trialpool.review.accounts.rob_me import Written, rob_me
from trialpool.review.certainty.rating import certainty
from trialpool.review.extraction.decisions import load_decisions
from trialpool.review.findings.other_reviews import other_reviews, read_other_reviews
from trialpool.review.findings.summary_of_findings import reference_sds, summary_of_findings
from trialpool.review.report.summary import summary_table
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
params, added = snakemake.params, columns_of(snakemake.params.columns)
trials, arms, missing = (files.read(path, added) for path in snakemake.input.about)
written = [Written.read(Path(p), params.tables, added) for p in snakemake.input.models]
decisions = load_decisions(snakemake.input.decisions, params.targets)
rated = certainty(written, trials, arms, params.targets, decisions)
sds = reference_sds(snakemake.input.instruments)
findings = summary_of_findings(written, trials, rated, params.baselines, sds)
evidence, judged = rob_me(written, trials, missing)
summary = summary_table([each.result for each in written], {snakemake.wildcards.condition: rated})
others = other_reviews(
    snakemake.wildcards.condition, read_other_reviews(snakemake.input.others), written
)
made = {"summary": summary, "certainty": rated, "findings": findings, "others": others}
for name, table in (made | {"evidence": evidence, "judgements": judged}).items():
    files.write(snakemake.output[name], table)
logs.done(f"{snakemake.wildcards.condition}: {w.count(len(summary), 'analysis')} rated")

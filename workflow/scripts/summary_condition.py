"""The analyses of a condition side by side: results, certainty, and which evidence is missing."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts.rob_me import Written, rob_me
from trialpool.review.certainty.rating import certainty
from trialpool.review.extraction.decisions import load_decisions
from trialpool.review.report.summary import summary_table
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
params, added = snakemake.params, columns_of(snakemake.params.columns)
trials, arms, missing = (files.read(path, added) for path in snakemake.input.about)
written = []
for path in map(Path, snakemake.input.models):
    parts = {name: files.read(path.parent / f"{name}.csv", added) for name in params.tables}
    written.append(Written(typed_json.read(path, AnalysisResult), **parts))
decisions = load_decisions(snakemake.input.decisions, params.targets)
rated = certainty(written, trials, arms, params.targets, decisions)
evidence, judged = rob_me(written, trials, missing)
results = [each.result for each in written]
summary = summary_table(results, {snakemake.wildcards.condition: rated})
made = {"summary": summary, "certainty": rated, "evidence": evidence, "judgements": judged}
for name, table in made.items():
    files.write(snakemake.output[name], table)
logs.done(f"{snakemake.wildcards.condition}: {w.count(len(summary), 'analysis')} rated")

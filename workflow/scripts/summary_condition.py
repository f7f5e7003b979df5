"""The analyses of a condition side by side: their results, and which evidence is missing."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts.rob_me import Written, rob_me
from trialpool.review.report.summary import summary_table
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
results = [typed_json.read(path, AnalysisResult) for path in snakemake.input.models]
files.write(snakemake.output.summary, summary_table(results))
added = columns_of(snakemake.params.columns)
folders = [Path(path).parent for path in snakemake.input.models]
names = ("studies", "selection", "missing")
parts = [[files.read(folder / f"{name}.csv", added) for name in names] for folder in folders]
about = (files.read(snakemake.input[name], added) for name in ("trials", "missing_results"))
written = [Written(result, *tables) for result, tables in zip(results, parts, strict=True)]
evidence, judged = rob_me(written, *about)
files.write(snakemake.output.evidence, evidence)
files.write(snakemake.output.judgements, judged)
about = w.count(len(results), "analysis")
logs.done(f"{snakemake.wildcards.condition}: {about} in {snakemake.output.summary}")

"""One row per analysis, over all conditions, and the answers to claims."""

from pathlib import Path

from trialpool import logs, tables, typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.question_answer import QuestionAnswer
from trialpool.review.extraction.claims import load_claims
from trialpool.review.findings.claims import claims
from trialpool.review.report.summary import numbers, summary_table
from trialpool.review.schema import files

logs.start(snakemake.log[0], snakemake.output)
inputs = snakemake.input
results = [typed_json.read(path, AnalysisResult) for path in inputs.models]
rated, findings = (
    {Path(path).parent.name: files.read(path) for path in paths}
    for paths in (inputs.certainty, inputs.findings)
)
answers = {
    f"{path.parts[-4]}/{path.parent.name}": typed_json.read(path, QuestionAnswer)
    for path in map(Path, inputs.answers)
}
claimed = load_claims(inputs.claims, snakemake.params.named)
files.write(snakemake.output.summary, summary_table(results, rated))
files.write(snakemake.output.claims, claims(claimed, results, answers, findings, rated))
tables.write_json(snakemake.output.numbers, numbers(results, rated))
logs.done(f"{w.count(len(results), 'analysis')} in {snakemake.output.summary}")

"""Tables as workbooks and documents for manuscripts, and the references."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report import references
from trialpool.review.report.findings_tables import findings
from trialpool.review.report.rendering import write_page
from trialpool.review.report.word_tables import write_word_table
from trialpool.review.report.workbook import write_workbook
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
inputs, review, output = snakemake.input, snakemake.params.review, snakemake.output
added = columns_of(review["columns"])
models = [typed_json.read(path, AnalysisResult) for path in inputs.models]
items = references.csl(files.read(inputs.characteristics))
write_page(output.bib, references.bibtex(items))
write_page(output.csl, references.csl_json(items))
for name, book, document in zip(review["conditions"], output.books, output.documents, strict=True):
    of_condition = {Path(p).stem: files.read(p) for p in inputs.tables if Path(p).parts[1] == name}
    studies = {f"studies {Path(p).parts[2]}": p for p in inputs.studies if Path(p).parts[1] == name}
    each = {sheet: files.read(path, added) for sheet, path in studies.items()}
    write_workbook(book, of_condition | each, review["conditions"][name]["title"])
    results = [model for model in models if model.condition == name]
    grid = findings(of_condition["summary_of_findings"], results)
    write_word_table(document, grid, review["title"])
logs.done(f"{output.bib}: {len(items)} references")

"""Answer the questions of a condition beyond one number: time, dose, networks."""

from pathlib import Path

from trialpool import logs
from trialpool.figures import style
from trialpool.review.case import Tables
from trialpool.review.effects.records import Records, marked
from trialpool.review.protocol.protocol import resolve
from trialpool.review.questions import answered
from trialpool.review.questions.questions import answers
from trialpool.review.report.question_sheets import draw_question
from trialpool.review.schema import files

logs.start(snakemake.log[0])
names = ("trials", "arms", "records")
review, condition = resolve(snakemake.params.review), snakemake.wildcards.condition
known = Tables.read(snakemake.input, review.added)
parts = (files.read(snakemake.input[name], review.added) for name in names)
records = Records(*parts, marked(snakemake.params.marks))
output = Path(snakemake.output[0])
output.mkdir(parents=True)
for question in answers(known, records, review, condition):
    folder = answered.write(output, question)
    for name, figure in draw_question(question):
        style.save(figure, [folder / f"{name}.svg"])

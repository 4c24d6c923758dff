"""An Excel workbook of one sheet, headed by the names of the columns."""

from __future__ import annotations

import io

import polars as pl
import xlsxwriter

from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sources.formats import XlsxFormat

_SHEET = "Feuil1"


def encode(frame: pl.DataFrame, form: XlsxFormat) -> bytes:
    """The rows as a workbook; a text is never a formula or a link."""
    written = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(written, options) as workbook:
        # Otherwise the clock's time is written, and equal rows are no equal bytes.
        workbook.set_properties({"created": AS_OF.replace(tzinfo=None)})
        sheet = workbook.add_worksheet(form.sheet or _SHEET)
        sheet.write_row(0, 0, frame.columns)
        for number, row in enumerate(frame.iter_rows(), start=1):
            for place, value in enumerate(row):
                if value is not None:
                    sheet.write(number, place, value)
    return written.getvalue()

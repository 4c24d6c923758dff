"""Excel workbooks made by hand, so that they can be wrong."""

from __future__ import annotations

import io
import zipfile
from functools import cache

import xlsxwriter

SHEET = "xl/worksheets/sheet1.xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@cache
def right_members() -> dict[str, bytes]:
    """The files of a workbook of two headings and a row."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["row_id", "value"])
        sheet.write_row(1, 0, ["1", "v"])
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def worksheet(
    cell: str, more: str = "", *, head: str = "", extent: str = "A1:B2"
) -> bytes:
    """A sheet with the headings and a row, whose second cell is given.

    Args:
        cell: The second cell.
        more: Rows below.
        head: What comes before the sheet.
        extent: What the sheet says that it covers.
    """
    heading = "<c r='{}1' t='inlineStr'><is><t>{}</t></is></c>"
    headings = heading.format("A", "row_id") + heading.format("B", "value")
    return (
        f"{head}<worksheet xmlns='{_MAIN}'><dimension ref='{extent}'/><sheetData>"
        f"<row r='1'>{headings}</row><row r='2'><c r='A2'><v>1</v></c>{cell}</row>"
        f"{more}</sheetData></worksheet>"
    ).encode()

"""The page that partners read shows what the platform takes and answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from partner import COMPANY, HEADINGS, NOW, channel
from test_deposit_receipts import MARCH, receipt

from lrtzc_pipelines.deposits.forms import load_forms
from lrtzc_pipelines.deposits.judging import judge
from lrtzc_pipelines.deposits.problems import at_rows
from lrtzc_pipelines.deposits.reports import answer_lines, problem_lines
from lrtzc_pipelines.sources.checkout import PROJECT

DOCS = PROJECT / "docs"
PAGE = (DOCS / "deposits-partenaires.md").read_text("utf-8")
FORM = channel().form


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_example_would_be_accepted(tmp_path: Path) -> None:
    (example,) = blocks("csv")
    path = tmp_path / "dechets-2026-03.csv"
    path.write_text(example, "utf-8")
    _, verdict = judge(path, path.name, channel(), depositor=COMPANY, now=NOW)
    assert verdict.problems == ()
    assert (verdict.row_count, verdict.periods) == (3, (MARCH,))


def test_every_column_is_explained() -> None:
    explained = re.findall(r"^\| ([a-z_]+) \|", PAGE, flags=re.MULTILINE)
    assert tuple(name for name in explained if name != "titre") == HEADINGS


def test_the_receipt_is_the_one_that_is_written() -> None:
    shown, _ = blocks("text")
    moment = datetime(2026, 4, 2, 7, 15, tzinfo=UTC)
    name = "dechets-2026-03.csv"
    lines = list(
        answer_lines(
            FORM,
            receipt(1, MARCH, name=name, row_count=3, sha256="…", received_at=moment),
        )
    )
    assert shown.splitlines() == lines[: len(shown.splitlines())]


def test_the_report_is_the_one_that_is_written() -> None:
    _, shown = blocks("text")
    code = at_rows(
        "la valeur ne convient pas",
        FORM.corrections["waste_code_is_one"],
        [4, 7],
        sheet="Registre",
        column="« code_dechet »",
    )
    first, fix = problem_lines(1, code)
    lines = shown.splitlines()
    assert lines[0] == first
    assert fix.startswith(lines[1].removesuffix("…"))
    assert "la valeur n'est pas un nombre" in lines[2]


@pytest.mark.parametrize("name", load_forms())
def test_what_a_partner_reads_is_a_sentence(name: str) -> None:
    form = load_forms()[name]
    assert all(text.endswith(".") for text in form.corrections.values())
    assert form.purpose.endswith(".")

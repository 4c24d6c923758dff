"""Deposit forms: they load, and they agree with the source that they feed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from partner import channel

from lrtzc_pipelines.deposits.forms import (
    Channel,
    disagreements,
    find_form,
    load_channel,
    load_form,
    load_forms,
)
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec


@pytest.mark.parametrize("name", load_forms())
def test_a_form_agrees_with_its_source(name: str) -> None:
    assert load_channel(find_form(name)).form.id == name


def test_an_unknown_form_is_told_with_those_there_are() -> None:
    with pytest.raises(SpecError, match=r"unknown form: x \(known: mobility_trips, "):
        find_form("x")


def test_an_unknown_key_is_told_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "essai.yaml"
    path.write_text("titel: Un formulaire\n")
    with pytest.raises(SpecError, match=r"essai\.yaml.*titel"):
        load_form(path)


def changed(spec: SourceSpec, **changes: Any) -> SourceSpec:
    return spec.model_copy(update=changes)


def with_column(spec: SourceSpec, name: str, **changes: Any) -> SourceSpec:
    columns = tuple(
        column.model_copy(update=changes) if column.name == name else column
        for column in spec.columns
    )
    return changed(spec, columns=columns)


GOOD = channel()
FORM, SPEC = GOOD.form, GOOD.spec
PERIOD = FORM.period


@pytest.mark.parametrize(
    ("form", "spec", "said"),
    [
        (
            FORM,
            changed(SPEC, connector=SPEC.connector.model_copy(update={"form": "x"})),
            "does not collect this form",
        ),
        (
            FORM,
            changed(SPEC, format=SPEC.format.model_copy(update={"quote": ""})),
            "kept as csv with quotes",
        ),
        (
            FORM,
            changed(SPEC, format=SPEC.format.model_copy(update={"compression": "zip"})),
            "kept as csv with quotes",
        ),
        (
            FORM,
            changed(SPEC, format=SPEC.format.model_copy(update={"encoding": "cp1252"})),
            "kept in UTF-8",
        ),
        (
            FORM,
            with_column(SPEC, "depositor_id", privacy="keep"),
            "'deposant' that is in its key and dropped",
        ),
        (
            FORM,
            changed(SPEC, primary_key=("month", "waste_code")),
            "'deposant' that is in its key and dropped",
        ),
        (FORM.model_copy(update={"licence": "etalab-2.0"}), SPEC, "licence: the sourc"),
        (FORM.model_copy(update={"tier": "open"}), SPEC, "tier: the source says"),
        (
            FORM.model_copy(
                update={"period": PERIOD.model_copy(update={"column": "waste_code"})}
            ),
            SPEC,
            "period.column: not a required date",
        ),
        (
            FORM,
            with_column(SPEC, "month", required=False),
            "period.column: not a required date",
        ),
        (
            FORM,
            changed(SPEC, primary_key=("depositor_id", "waste_code")),
            "period.column: month is no part of the source's key",
        ),
        (FORM.model_copy(update={"codes": ("tonnes",)}), SPEC, "codes: tonnes is no"),
        (
            FORM.model_copy(update={"corrections": {}}),
            SPEC,
            "corrections: one for each check of the suite, not commune_code_is_one",
        ),
    ],
)
def test_what_does_not_agree_is_told(form: Any, spec: SourceSpec, said: str) -> None:
    (problem,) = disagreements(form, spec, GOOD.suite)
    assert said in problem


def test_a_column_that_is_no_date_tells_no_period() -> None:
    spec = with_column(SPEC, "month", type=ColumnType.TEXT)
    assert "not a required date" in " ".join(disagreements(FORM, spec, GOOD.suite))


def test_a_form_that_does_not_agree_feeds_nothing() -> None:
    form = FORM.model_copy(update={"codes": ("tonnes",)})
    with pytest.raises(SpecError, match=r"^valorisation_waste\.yaml: codes: "):
        load_channel(form)


def test_a_channel_is_a_form_with_its_source() -> None:
    assert Channel(FORM, SPEC, GOOD.suite) == GOOD
    assert SPEC.id == FORM.source

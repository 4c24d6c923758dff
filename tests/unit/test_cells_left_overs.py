"""What producers leave around values, and blanks that are part of a key."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from lrtzc_pipelines.cells import faults_of, read_cells
from lrtzc_pipelines.sources.columns import Column
from lrtzc_pipelines.sources.registry import load_sources

SPEC = load_sources()["larochelle_agglomeration_communes"]


def column(**changes: Any) -> Column:
    values = {
        "name": "country",
        "source": "mu_pays",
        "type": "text",
        "description": "Pays.",
        "privacy": "keep",
    }
    return Column.model_validate(values | changes)


def read(texts: list[str | None], wanted: Column) -> tuple[list[Any], list[Any]]:
    """Typed values and faults of some cells."""
    frame = pl.DataFrame({"mu_pays": texts}, schema={"mu_pays": pl.String})
    typed = frame.select(read_cells(wanted, SPEC).alias(wanted.name))
    return typed[wanted.name].to_list(), faults_of(wanted, frame, typed).to_list()


def test_quotes_around_a_value_are_taken_off() -> None:
    values, faults = read(['"France"', ' "Pays-Bas" ', "Italie"], column(strip='"'))
    assert values == ["France", "Pays-Bas", "Italie"]
    assert faults == [None] * 3


def test_a_value_that_is_only_quotes_is_a_blank() -> None:
    values, faults = read(['" "', '""'], column(strip='"', required=True))
    assert values == [None, None]
    assert faults == ["country: required, but empty"] * 2


def test_a_blank_may_have_a_name() -> None:
    wanted = column(strip='"', blank_as="non précisé", required=True)
    values, faults = read(['" "', "", None, "Suisse"], wanted)
    assert values == ["non précisé"] * 3 + ["Suisse"]
    assert faults == [None] * 4


def test_numbers_lose_their_quotes_too() -> None:
    values, faults = read(['"12"', '"x"'], column(type="integer", strip='"'))
    assert values == [12, None]
    assert faults == [None, "country: not readable as integer"]


def test_only_a_text_may_stand_for_a_blank() -> None:
    with pytest.raises(ValidationError, match="blank_as is a text"):
        column(type="integer", blank_as="0")

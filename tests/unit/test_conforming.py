"""From text to types: what is read, refused, repeated, contradicted and missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines import conforming
from lrtzc_pipelines.conforming import REFUSED_SCHEMA, TYPES, Conformed, conform
from lrtzc_pipelines.errors import SchemaError
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec

KEY = {"name": "row_id", "source": "id", "type": "integer", "required": True}
LEGACY = {"kind": "larochelle_xml"}
FRENCH_CSV = {"kind": "csv", "decimal": ",", "thousands": " "}
PARIS = {
    "type": "datetime",
    "timezone": "Europe/Paris",
    "datetime_format": "%Y-%m-%d %H:%M:%S",
}


FILE = {"kind": "http_file", "path": "x"}
GBFS = {"kind": "gbfs", "feeds": ["station_status"]}


def spec(
    *columns: dict[str, Any],
    key: tuple[str, ...] = ("row_id",),
    form: dict[str, Any] = LEGACY,
    **changes: Any,
) -> SourceSpec:
    """A source with a key and the columns of a test; `value` is called `v` there."""
    common = {"description": "Valeur.", "privacy": "keep"}
    values = {
        "id": "town_counts",
        "title": "Comptages",
        "description": "Comptages inventés pour un test.",
        "producer": "Ville",
        "homepage": "https://ville.example/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 5,
        "theme": "mobility",
        "owner": "team:donnees",
        "endpoint": "town_hall",
        "connector": GBFS if form["kind"] == "gbfs_stations" else FILE,
        "format": form,
        "cadence": "daily",
        "primary_key": key,
        "freshness_days": 2,
        "raw_retention_days": 30,
        "columns": [common | column for column in (KEY, *columns)],
    }
    return SourceSpec.model_validate(values | changes)


def value(**options: Any) -> dict[str, Any]:
    return {"name": "value", "source": "v", "type": "text", **options}


def frame(page: int = 0, **columns: Iterable[str | None]) -> pl.DataFrame:
    """Rows of one page, as the parsers give them."""
    found = pl.DataFrame({k: list(v) for k, v in columns.items()}, strict=False)
    return found.cast(pl.String).with_columns(
        pl.lit(page, pl.UInt32).alias(PAGE),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(ROW),
    )


def read(text: str | None, form: dict[str, Any] = LEGACY, **options: Any) -> Conformed:
    """One row with one value."""
    return conform(spec(value(**options), form=form), [frame(id=["1"], v=[text])])


def assert_nothing_lost(found: Conformed) -> None:
    counts = found.continuity
    assert counts.received == (
        found.rows.height + found.refused.height + counts.repeats
    )


# Types


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("text", "Aytré", "Aytré"),
        ("text", "  a  b ", "a  b"),
        ("text", "007", "007"),
        ("text", "NaN", "NaN"),
        ("integer", "12", 12),
        ("integer", " -3 ", -3),
        ("integer", "007", 7),
        ("integer", "9223372036854775807", 9223372036854775807),
        ("number", "2.5", 2.5),
        ("number", "-0.5", -0.5),
        ("number", "12", 12.0),
        ("number", "1e3", 1000.0),
        ("date", "2026-06-17", date(2026, 6, 17)),
        ("date", "2024-02-29", date(2024, 2, 29)),
        *(("boolean", text, True) for text in ("true", "1", "t", "Y", "OUI", " oui ")),
        *(("boolean", text, False) for text in ("false", "0", "F", "n", "Non")),
    ],
)
def test_a_value_is_read_as_its_type(kind: str, text: str, expected: object) -> None:
    found = read(text, type=kind)
    assert found.rows["value"].to_list() == [expected]
    assert found.rows.schema["value"] == TYPES[ColumnType(kind)]
    assert found.refused.is_empty()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "12.0"),
        ("integer", "douze"),
        ("integer", "1 234"),
        ("integer", "9223372036854775808"),
        ("integer", "true"),
        ("number", "2,5"),
        ("number", "1 234.5"),
        ("number", "NaN"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "-Infinity"),
        ("number", "1e999"),
        ("number", "0x10"),
        ("date", "2026-02-30"),
        ("date", "17/06/2026"),
        ("date", "2026-06-17T00:00:00"),
        ("date", "2026-06-17 reporté"),
        ("boolean", "peut-être"),
        ("boolean", "2"),
    ],
)
def test_a_value_of_another_type_takes_its_row_to_quarantine(
    kind: str, text: str
) -> None:
    found = read(text, type=kind)
    assert found.rows.is_empty()
    (refused,) = found.refused.to_dicts()
    assert refused == {
        PAGE: 0,
        ROW: 1,
        "rule": "type",
        "column": "value",
        "reason": f"value: not readable as {kind}",
        "record": json.dumps({"id": "1", "v": text}, separators=(",", ":"))
        if text.isascii()
        else refused["record"],
    }
    assert json.loads(refused["record"]) == {"id": "1", "v": text}


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_thousands_may_stand_apart_in_any_width(space: str) -> None:
    text = f"1{space}234{space}567"
    assert read(text, FRENCH_CSV, type="integer").rows["value"].item() == 1_234_567


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (FRENCH_CSV, "1\u202f234,5", 1234.5),
        (FRENCH_CSV, "-0,25", -0.25),
        (FRENCH_CSV, "12", 12.0),
        ({"kind": "csv", "thousands": ","}, "1,234,567.5", 1234567.5),
        ({"kind": "csv", "thousands": ".", "decimal": ","}, "1.234,5", 1234.5),
    ],
)
def test_numbers_are_read_as_the_file_writes_them(
    form: dict[str, Any], text: str, expected: float
) -> None:
    assert read(text, form, type="number").rows["value"].item() == expected


@pytest.mark.parametrize("text", ["1,2,3", "1,5 €", ",", "1;5"])
def test_what_is_no_number_in_the_files_writing_is_refused(text: str) -> None:
    assert read(text, FRENCH_CSV, type="number").refused.height == 1


@pytest.mark.parametrize(
    "kind", [k for k in ColumnType if k is not ColumnType.DATETIME]
)
@pytest.mark.parametrize("blank", [None, "", "  ", "\t", "\u00a0"])
def test_a_blank_value_is_null_where_none_is_required(
    kind: ColumnType, blank: str | None
) -> None:
    found = read(blank, type=kind)
    assert found.rows["value"].to_list() == [None]


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_value_is_refused_where_one_is_required(blank: str | None) -> None:
    found = read(blank, required=True)
    assert found.refused["reason"].to_list() == ["value: required, but empty"]


def test_every_column_at_fault_is_named() -> None:
    wide = spec(
        value(type="integer"),
        {"name": "day", "source": "d", "type": "date", "required": True},
    )
    found = conform(wide, [frame(id=["x"], v=["y"], d=[""])])
    (refused,) = found.refused.to_dicts()
    assert refused["column"] == "row_id, value, day"
    assert refused["reason"] == (
        "row_id: not readable as integer; value: not readable as integer; "
        "day: required, but empty"
    )


@pytest.mark.parametrize(
    ("kind", "constant", "expected"),
    [
        ("integer", 2025, 2025),
        ("number", 2, 2.0),
        ("text", "CDA", "CDA"),
    ],
)
def test_a_constant_stands_in_every_row(
    kind: str, constant: object, expected: object
) -> None:
    fixed = {"name": "year", "constant": constant, "type": kind}
    found = conform(spec(fixed), [frame(id=["1", "2"])])
    assert found.rows["year"].to_list() == [expected, expected]
    assert found.rows.schema["year"] == TYPES[ColumnType(kind)]


# Moments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-17T05:54:39Z", datetime(2026, 6, 17, 5, 54, 39, tzinfo=UTC)),
        ("2026-06-17T07:54:39+02:00", datetime(2026, 6, 17, 5, 54, 39, tzinfo=UTC)),
        (
            "2026-06-17T05:54:39.250+00:00",
            datetime(2026, 6, 17, 5, 54, 39, 250_000, tzinfo=UTC),
        ),
    ],
)
def test_rfc_3339_is_read_with_its_offset(text: str, expected: datetime) -> None:
    found = read(text, type="datetime", timezone="UTC")
    assert found.rows["value"].to_list() == [expected]
    assert found.rows.schema["value"] == pl.Datetime("us", "UTC")


@pytest.mark.parametrize("text", ["2026-06-17T05:54:39", "1781675679", "2026-06-17"])
def test_a_moment_without_its_offset_is_not_guessed(text: str) -> None:
    assert read(text, type="datetime", timezone="UTC").refused.height == 1


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-01-15 12:00:00", datetime(2026, 1, 15, 11, tzinfo=UTC)),
        ("2026-07-15 12:00:00", datetime(2026, 7, 15, 10, tzinfo=UTC)),
        ("2026-03-29 01:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        ("2026-03-29 03:00:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # Twice on that night; the first pass is meant.
        ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 03:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_local_time_becomes_utc(local: str, expected: datetime) -> None:
    assert read(local, **PARIS).rows["value"].to_list() == [expected]


@pytest.mark.parametrize(
    "local", ["2026-03-29 02:00:00", "2026-03-29 02:30:00", "2026-03-29 02:59:59"]
)
def test_the_hour_that_spring_leaves_out_is_refused_not_moved(local: str) -> None:
    found = read(local, **PARIS)
    assert found.rows.is_empty()
    assert found.refused["reason"].to_list() == ["value: not readable as datetime"]


@pytest.mark.parametrize("timezone", ["Europe/Paris", "UTC"])
def test_an_offset_in_the_declared_format_counts(timezone: str) -> None:
    found = read(
        "17/06/2026 07:54 +0200",
        type="datetime",
        timezone=timezone,
        datetime_format="%d/%m/%Y %H:%M %z",
    )
    assert found.rows["value"].to_list() == [datetime(2026, 6, 17, 5, 54, tzinfo=UTC)]


def test_a_date_may_be_written_in_another_order() -> None:
    found = read("17/06/2026", type="date", datetime_format="%d/%m/%Y")
    assert found.rows["value"].to_list() == [date(2026, 6, 17)]


# One row per key


def test_repeats_are_dropped_and_counted() -> None:
    found = conform(
        spec(value()),
        [
            frame(0, id=["1", "2", "2"], v=["a", "b", "b"]),
            frame(1, id=["2", "3"], v=["b", "c"]),
        ],
    )
    assert found.rows.select("row_id", "value").rows() == [(1, "a"), (2, "b"), (3, "c")]
    assert found.rows.select(PAGE, ROW).rows() == [(0, 1), (0, 2), (1, 2)]
    assert (found.continuity.repeats, found.continuity.conflicts) == (2, 0)
    assert_nothing_lost(found)


def test_rows_that_only_look_different_are_repeats() -> None:
    found = conform(spec(value()), [frame(id=["1", "01", " 1 "], v=["a", " a", "a"])])
    assert (found.rows.height, found.continuity.repeats) == (1, 2)


def test_a_row_that_contradicts_its_key_is_quarantined() -> None:
    found = conform(
        spec(value()),
        [frame(0, id=["1", "2"], v=["a", "b"]), frame(4, id=["3", "1"], v=["c", "z"])],
    )
    assert sorted(found.rows["value"]) == ["a", "b", "c"]
    (refused,) = found.refused.to_dicts()
    assert (refused[PAGE], refused[ROW]) == (4, 2)
    assert (refused["rule"], refused["column"]) == ("primary_key", "row_id")
    assert refused["reason"] == "same key as another row, other values"
    assert json.loads(refused["record"]) == {"id": 1, "v": "z"}
    assert found.continuity.conflicts == 1
    assert_nothing_lost(found)


def test_a_contradiction_is_told_once_however_often_it_comes() -> None:
    found = conform(spec(value()), [frame(id=["1"] * 5, v=["a", "b", "b", "c", "a"])])
    assert found.rows["value"].to_list() == ["a"]
    assert [json.loads(r)["v"] for r in found.refused["record"]] == ["b", "c"]
    assert (found.continuity.repeats, found.continuity.conflicts) == (2, 2)
    assert_nothing_lost(found)


def test_a_value_against_none_is_a_contradiction() -> None:
    found = conform(spec(value()), [frame(id=["1", "1"], v=["a", None])])
    assert found.continuity.conflicts == 1


def test_a_key_may_have_several_columns() -> None:
    double = spec(value(required=True), key=("row_id", "value"))
    found = conform(double, [frame(id=["1", "1", "1"], v=["a", "b", "a"])])
    assert found.rows.select("row_id", "value").rows() == [(1, "a"), (1, "b")]
    assert found.continuity.repeats == 1
    assert found.continuity.missing_keys is None


def test_a_refused_row_comes_once_however_many_pages_repeat_it() -> None:
    typed = spec(value(type="integer"))
    found = conform(typed, [frame(n, id=["1", "2"], v=["x", "5"]) for n in range(3)])
    assert found.refused.height == 1
    assert found.rows.height == 1
    assert found.continuity.repeats == 4
    assert_nothing_lost(found)


# What is missing


@pytest.mark.parametrize(
    ("keys", "missing", "holes"),
    [
        (["1", "2", "3"], 0, 0),
        (["3", "1", "2"], 0, 0),
        (["10", "20"], 9, 1),
        (["1", "4", "5", "9"], 5, 2),
        (["-2", "2"], 3, 1),
        (["7"], 0, 0),
    ],
)
def test_holes_and_missing_keys_are_counted(
    keys: list[str], missing: int, holes: int
) -> None:
    counts = conform(spec(), [frame(id=keys)]).continuity
    assert (counts.missing_keys, counts.holes) == (missing, holes)


def test_keys_that_are_no_integer_have_no_holes() -> None:
    text_key = spec(value(required=True), key=("value",))
    counts = conform(text_key, [frame(id=["1", "5"], v=["a", "b"])]).continuity
    assert (counts.missing_keys, counts.holes) == (None, None)


def test_the_longest_pause_between_moments_is_told() -> None:
    moments = ["2026-10-25 04:00:00", "2026-10-24 20:00:00", "2026-10-25 01:30:00"]
    timed = spec(value(required=True, **PARIS))
    found = conform(timed, [frame(id=["1", "2", "3"], v=moments)])
    # Clock time says 5.5 hours and 2.5; one hour more passed that night.
    assert found.continuity.longest_gap_hours == 5.5
    later = conform(timed, [frame(id=["1", "2"], v=[moments[0], moments[2]])])
    assert later.continuity.longest_gap_hours == 3.5


# Columns


def test_unknown_columns_are_named_once_and_ignored_ones_are_not() -> None:
    known = spec(value(), ignored_columns=["rank"])
    found = conform(
        known,
        [
            frame(0, id=["1"], v=["a"], rank=["1"], note=["x"]),
            frame(1, id=["2"], v=["a"], note=["x"], colour=["x"]),
        ],
    )
    assert found.unknown_columns == ("note", "colour")
    assert set(found.rows.columns) == {"row_id", "value", PAGE, ROW}


@pytest.mark.parametrize("form", [LEGACY, {"kind": "csv"}])
def test_a_missing_column_stops_the_source(form: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=r"town_counts: missing column: v$"):
        conform(spec(value(), form=form), [frame(id=["1"])])


RECORD_FORMATS = [{"kind": k} for k in ("ckan_records", "gbfs_stations", "geojson")]


@pytest.mark.parametrize("form", RECORD_FORMATS)
def test_json_may_leave_out_an_optional_field(form: dict[str, Any]) -> None:
    found = conform(spec(value(), form=form), [frame(id=["1"])])
    assert found.rows["value"].to_list() == [None]


@pytest.mark.parametrize("form", RECORD_FORMATS)
def test_json_may_leave_out_a_field_whose_blank_has_a_text(
    form: dict[str, Any],
) -> None:
    division = value(required=True, blank_as="Sans division")
    found = conform(
        spec(division, key=("row_id", "value"), form=form),
        [frame(0, id=["1"]), frame(1, id=["1", "2"], v=["47", None])],
    )
    assert set(found.rows["row_id", "value"].rows()) == {
        (1, "Sans division"),
        (1, "47"),
        (2, "Sans division"),
    }


@pytest.mark.parametrize("form", RECORD_FORMATS)
def test_json_may_not_leave_out_a_required_field(form: dict[str, Any]) -> None:
    reason = r"town_counts: missing column: id, v \(not declared: other\)$"
    with pytest.raises(SchemaError, match=reason) as error:
        conform(spec(value(required=True), form=form), [frame(other=["1"])])
    assert (error.value.missing, error.value.unknown) == (("id", "v"), ("other",))


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([], id="no page"),
        pytest.param([frame(id=[], v=[])], id="no row"),
        pytest.param([frame()], id="no row and no column"),
        pytest.param([frame(), frame(1)], id="two empty pages"),
    ],
)
def test_nothing_received_is_an_empty_source(frames: list[pl.DataFrame]) -> None:
    found = conform(spec(value(type="date")), frames)
    assert found.rows.is_empty()
    assert found.rows.schema["value"] == pl.Date
    assert dict(found.refused.schema) == REFUSED_SCHEMA
    assert (found.continuity.received, found.continuity.distinct) == (0, 0)


def test_an_empty_page_of_the_web_service_is_an_empty_source() -> None:
    body = b"<opendata><answer><data></data></answer></opendata>"
    page = StoredPage("offset-1", "xml", "0", "0", len(body))
    empty = spec(value())
    assert conform(empty, parse(empty, [(page, body)])).rows.is_empty()


# Whatever comes

ROWS = st.tuples(
    st.sampled_from(["1", "2", "3", "01", "x", "", "9"]) | st.none(),
    st.sampled_from(["1", "2", "7,5", "", "z"]) | st.none(),
)


@given(st.lists(st.lists(ROWS, max_size=6), max_size=4))
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost(pages: list[list[tuple[str | None, str | None]]]) -> None:
    typed = spec(value(type="integer"))
    found = conform(
        typed,
        [
            frame(n, id=[k for k, _ in rows], v=[v for _, v in rows])
            for n, rows in enumerate(pages)
        ],
    )
    received = [row for rows in pages for row in rows]
    readable = [
        (int(k), int(v) if v else None)
        for k, v in received
        if (k or "").isdigit() and (not v or v.isdigit())
    ]
    unreadable = {row for row in received if row not in _texts(received, readable)}
    assert found.continuity.received == len(received)
    assert_nothing_lost(found)
    # The first by its values, a blank last: whatever came first.
    by_value = sorted(set(readable), key=lambda row: (row[1] is None, row[1] or 0))
    first_of_key = dict(reversed(by_value))
    assert dict(found.rows.select("row_id", "value").rows()) == first_of_key
    by_rule = found.refused["rule"].to_list()
    assert by_rule.count("type") == len(unreadable)
    assert by_rule.count("primary_key") == len(set(readable)) - len(first_of_key)
    assert found.continuity.distinct == len(first_of_key) + len(unreadable)


def _texts(
    received: list[tuple[str | None, str | None]],
    readable: list[tuple[int, int | None]],
) -> set[tuple[str | None, str | None]]:
    """The rows as received that are readable."""
    return {
        (k, v)
        for k, v in received
        if (k or "").isdigit()
        and (not v or v.isdigit())
        and (int(k or 0), int(v) if v else None) in readable
    }


# States and coordinates

SECRET = {"secret": ["S", "s"], "missing": ["ND", "-999"], "not_occurring": ["-"]}
STATE = {"name": "value_state", "type": "text", "state_of": "value"}


def test_zero_secret_missing_and_not_occurring_are_kept_apart() -> None:
    texts = ["0", "12,5", "S", "ND", "-999", "-", "", None]
    keys = [str(n) for n in range(len(texts))]
    columns = (value(type="number", decimal=",", states=SECRET), STATE)
    found = conform(spec(*columns), [frame(id=keys, v=texts)])
    assert found.refused.is_empty()
    assert found.rows["value"].to_list() == [0.0, 12.5, *[None] * 6]
    assert found.rows["value_state"].to_list() == [
        *["observed"] * 2,
        "secret",
        *["missing"] * 2,
        "not_occurring",
        *["missing"] * 2,
    ]


def test_a_producer_may_leave_secrets_blank() -> None:
    columns = (value(type="number", states={"secret": [""]}), STATE)
    found = conform(spec(*columns), [frame(id=["1", "2"], v=["", None])])
    assert found.rows["value_state"].to_list() == ["secret", "secret"]


def test_a_text_that_stands_for_no_state_is_refused() -> None:
    found = conform(
        spec(value(type="number", states=SECRET), STATE), [frame(id=["1"], v=["n/a"])]
    )
    assert found.refused["reason"].to_list() == ["value: not readable as number"]


POINTS = [
    {
        "name": part,
        "source": "p",
        "type": "number",
        "point": {"order": "lat,lon", "part": part},
    }
    for part in ("latitude", "longitude")
]


def test_two_columns_may_come_out_of_one_pair() -> None:
    pairs = ["46.16032,-1.15111", "-1.15111,46.16032", "46.160,-1.151", "", "here"]
    keys = [str(n) for n in range(len(pairs))]
    found = conform(spec(*POINTS), [frame(id=keys, p=pairs)])
    assert found.rows["latitude"].to_list() == [46.16032, 46.16032, 46.16, None]
    assert found.rows["longitude"].to_list() == [-1.15111, -1.15111, -1.151, None]
    assert found.notes == {"swapped_coordinates": 1, "rounded_coordinates": 1}
    (record,) = found.refused["record"]
    assert json.loads(record) == {"id": "4", "p": "here"}


def test_a_contradiction_tells_both_coordinates() -> None:
    pairs = ["46.16032,-1.15111", "46.2,-1.2"]
    found = conform(spec(*POINTS), [frame(id=["1", "1"], p=pairs)])
    (record,) = found.refused["record"]
    assert json.loads(record) == {"id": 1, "latitude": 46.2, "longitude": -1.2}


def test_rows_by_the_million_that_cannot_be_read_are_not_written_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conforming, "_MOST_REFUSED", 2)
    found = conform(spec(value()), [frame(id=["x", "y"], v=["1", "2"])])
    assert found.refused.height == 2
    with pytest.raises(SchemaError, match="town_counts: 3 rows that cannot be read"):
        conform(spec(value()), [frame(id=["x", "y", "z"], v=["1", "2", "3"])])


def test_names_that_are_not_declared_are_told_shortly() -> None:
    with pytest.raises(SchemaError) as error:
        conform(spec(value()), [frame(**{"id": ["1"], "a\nb" + "c" * 5000: ["2"]})])
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)

"""What a specification may say, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.spec import LICENCES, Endpoint, SourceSpec

KEY = {
    "name": "row_id",
    "source": "id",
    "type": "integer",
    "required": True,
    "description": "Identifiant.",
    "privacy": "keep",
}


def column(**changes: Any) -> Column:
    values = {
        "name": "value",
        "source": "v",
        "type": "text",
        "description": "Valeur.",
        "privacy": "keep",
    }
    return Column.model_validate(values | changes)


def source(**changes: Any) -> SourceSpec:
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
        "connector": {"kind": "http_file", "path": "x.csv"},
        "format": {"kind": "csv"},
        "cadence": "daily",
        "primary_key": ["row_id"],
        "freshness_days": 2,
        "raw_retention_days": 30,
        "columns": [KEY],
    }
    return SourceSpec.model_validate(values | changes)


def columns(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [KEY, *(column(**changes).model_dump() for changes in more)]


# The whole


def test_a_complete_specification_loads() -> None:
    assert source().column("row_id").source == "id"


@pytest.mark.parametrize(
    "field",
    ["id", "title", "licence", "tier", "owner", "connector", "columns", "primary_key"],
)
def test_nothing_that_matters_may_be_left_out(field: str) -> None:
    complete = source().model_dump()
    del complete[field]
    with pytest.raises(ValidationError, match=rf"{field}\n\s+Field required"):
        SourceSpec.model_validate(complete)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"licences": "etalab-2.0"}, "licences"),
        ({"connector": {"kind": "http_file", "path": "x", "pth": "y"}}, "pth"),
        ({"format": {"kind": "csv", "delimiter": ";"}}, "delimiter"),
        ({"columns": [{**KEY, "privcy": "keep"}]}, "privcy"),
        ({"columns": [{**KEY, "privacy": {"generalise": {"step": 1}}}]}, "generalise"),
    ],
)
def test_an_unknown_key_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=rf"{field}\n\s+Extra inputs"):
        source(**changes)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "counts"),
        ("id", "Town_counts"),
        ("id", "town-counts"),
        ("id", "town__counts"),
        ("id", "../town_counts"),
        ("homepage", "ftp://ville.example/"),
        ("homepage", "ville.example"),
        ("licence", "CC-BY-NC-4.0"),
        ("licence", ""),
        ("tier", "public"),
        ("axis", 0),
        ("axis", 11),
        ("theme", "traffic"),
        ("owner", "donnees"),
        ("owner", "team:"),
        ("cadence", "hourly"),
        ("partitioning", "monthly"),
        ("primary_key", []),
        ("freshness_days", 0),
        ("raw_retention_days", 0),
        ("columns", []),
        ("connector", {"kind": "ftp"}),
        ("format", {"kind": "punch_cards"}),
    ],
)
def test_a_value_outside_its_bounds_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"SourceSpec\n{field}"):
        source(**{field: value})


@pytest.mark.parametrize("licence", sorted(LICENCES))
def test_an_open_licence_is_accepted(licence: str) -> None:
    assert source(licence=licence).licence == licence


@pytest.mark.parametrize("owner", ["team:mobilite", "donnees@ville.example"])
def test_an_owner_is_a_team_or_an_address(owner: str) -> None:
    assert source(owner=owner).owner == owner


def test_a_specification_does_not_change() -> None:
    with pytest.raises(ValidationError, match=r"frozen"):
        source().licence = "CC0-1.0"


# Columns together


def test_a_column_may_stand_once() -> None:
    with pytest.raises(ValidationError, match=r"column declared twice: value"):
        source(columns=columns({}, {"source": "w"}))


def test_a_column_of_the_producer_may_be_used_once() -> None:
    with pytest.raises(ValidationError, match=r"source column declared twice: v"):
        source(columns=columns({}, {"name": "other"}))


def test_constants_have_no_column_of_the_producer() -> None:
    fixed = {"source": None, "constant": 1, "type": "integer"}
    made = source(columns=columns({**fixed}, {**fixed, "name": "other"}))
    assert len(made.columns) == 3


def test_a_primary_key_is_of_columns() -> None:
    with pytest.raises(ValidationError, match=r"primary_key names 'nothing', which"):
        source(primary_key=["row_id", "nothing"])


def test_a_column_of_the_primary_key_is_required() -> None:
    with pytest.raises(ValidationError, match=r"column value: part of the primary key"):
        source(primary_key=["row_id", "value"], columns=columns({}))


def test_a_primary_key_names_a_column_once() -> None:
    with pytest.raises(ValidationError, match=r"primary_key declared twice: row_id"):
        source(primary_key=["row_id", "row_id"])


def test_dropped_columns_are_not_published() -> None:
    made = source(columns=columns({"privacy": "drop"}, {"name": "b", "source": "w"}))
    assert [c.name for c in made.published_columns] == ["row_id", "b"]


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"nothing"):
        source().column("nothing")


# One column


@pytest.mark.parametrize("name", ["Value", "1value", "value name", "_value", "été", ""])
def test_a_name_is_in_snake_case(name: str) -> None:
    with pytest.raises(ValidationError, match=r"name\n"):
        column(name=name)


@pytest.mark.parametrize("changes", [{"source": None}, {"constant": 1}])
def test_a_column_has_either_a_source_or_a_constant(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"value: give one of source, constant"):
        column(type="integer", **changes)


@pytest.mark.parametrize(
    ("kind", "constant"),
    [
        ("integer", "2025"),
        ("integer", 2025.5),
        ("text", 17),
        ("number", "a"),
        ("date", "2025-01-01"),
        ("datetime", 0),
    ],
)
def test_a_constant_is_of_its_columns_type(kind: str, constant: object) -> None:
    with pytest.raises(ValidationError, match=rf"value: no constant .* in {kind}"):
        column(source=None, type=kind, constant=constant)


def test_a_moment_needs_its_time_zone() -> None:
    with pytest.raises(ValidationError, match=r"value: a datetime needs its timezone"):
        column(type="datetime")


def test_a_column_without_a_privacy_rule_is_refused() -> None:
    ruled = column().model_dump(exclude={"privacy"})
    with pytest.raises(ValidationError, match=r"privacy\n\s+Field required"):
        Column.model_validate(ruled)


@pytest.mark.parametrize("rule", ["publish", "", None, {}, {"generalize": {}}])
def test_a_privacy_rule_is_one_of_three(rule: object) -> None:
    with pytest.raises(ValidationError, match=r"privacy"):
        column(privacy=rule)


SUITED = [
    ("date", {"time": "1mo"}),
    ("datetime", {"time": "30m"}),
    ("integer", {"step": 5}),
    ("number", {"step": 0.5}),
    ("text", {"prefix": 2}),
]


@pytest.mark.parametrize(("kind", "rule"), SUITED)
def test_a_coarser_value_suits_its_type(kind: str, rule: dict[str, Any]) -> None:
    made = column(type=kind, timezone="UTC", privacy={"generalize": rule})
    assert made.is_personal


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (kind, rule)
        for kind in ColumnType
        for _, rule in SUITED
        if not any((k, set(r)) == (kind, set(rule)) for k, r in SUITED)
    ],
)
def test_a_coarser_value_of_another_type_is_refused(
    kind: str, rule: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError, match=rf"value: .* does not suit {kind}"):
        column(type=kind, timezone="UTC", privacy={"generalize": rule})


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("datetime", {"time": "0h"}),
        ("datetime", {"time": "month"}),
        ("number", {"step": 0}),
        ("number", {"step": -5}),
        ("text", {"prefix": 0}),
        ("text", {"prefix": 2, "step": 5}),
    ],
)
def test_a_coarser_value_has_a_size(kind: str, rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"privacy"):
        column(type=kind, timezone="UTC", privacy={"generalize": rule})


@pytest.mark.parametrize("rule", ["drop", {"generalize": {"prefix": 2}}])
def test_what_is_not_kept_as_it_is_is_personal(rule: object) -> None:
    assert column(privacy=rule).is_personal


def test_what_is_kept_as_it_is_is_not_personal() -> None:
    assert not column().is_personal


# Connectors and formats


@pytest.mark.parametrize("feed", ["vehicle_status", "free_bike_status"])
def test_single_vehicles_are_never_followed(feed: str) -> None:
    connector = {"kind": "gbfs", "feeds": ["station_status", feed]}
    with pytest.raises(ValidationError, match=rf"'{feed}'.* traces single vehicles"):
        source(connector=connector)


@pytest.mark.parametrize(
    "connector",
    [
        {"kind": "gbfs", "feeds": []},
        {"kind": "ckan", "resource_id": "x", "page_size": 0},
        {"kind": "ckan", "resource_id": "x", "page_size": 32_001},
        {"kind": "ckan"},
        {
            "kind": "larochelle_webservice",
            "database": "a",
            "table": "b",
            "page_size": 5001,
        },
        {"kind": "http_file", "path": "x", "max_megabytes": 0},
    ],
)
def test_a_connector_stays_within_its_protocol(connector: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"SourceSpec\nconnector"):
        source(connector=connector)


@pytest.mark.parametrize(
    "form",
    [
        {"encoding": "latin-9000"},
        {"separator": ""},
        {"separator": "||"},
        {"quote": "''"},
        {"decimal": ";"},
    ],
)
def test_a_csv_format_says_something_readable(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"SourceSpec\nformat"):
        source(format={"kind": "csv", **form})


# Endpoints


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "Town Hall"),
        ("base_url", "ville.example"),
        ("base_url", "ftp://ville.example/"),
        ("base_url", "javascript://ville.example/"),
        ("requests_per_second", 0),
        ("secret", "none"),
    ],
)
def test_an_endpoint_says_where_and_how_gently(field: str, value: object) -> None:
    values = {
        "id": "town_hall",
        "title": "Mairie",
        "base_url": "https://ville.example/",
        "requests_per_second": 2,
        "contact": "https://ville.example/",
    }
    assert not Endpoint.model_validate(values).key_required
    with pytest.raises(ValidationError, match=rf"Endpoint\n{field}"):
        Endpoint.model_validate({**values, field: value})


def test_a_time_zone_must_exist() -> None:
    with pytest.raises(ValidationError, match=r"unknown time zone 'Europe/Pariss'"):
        column(type="datetime", timezone="Europe/Pariss")


@pytest.mark.parametrize(
    ("connector", "form"),
    [
        ({"kind": "gbfs", "feeds": ["station_status"]}, {"kind": "csv"}),
        ({"kind": "ckan", "resource_id": "r"}, {"kind": "larochelle_xml"}),
        ({"kind": "http_file", "path": "x"}, {"kind": "gbfs_stations"}),
    ],
)
def test_a_format_must_be_one_that_the_connector_gives(
    connector: dict[str, Any], form: dict[str, Any]
) -> None:
    message = f"format {form['kind']} does not come from connector {connector['kind']}"
    with pytest.raises(ValidationError, match=message):
        source(connector=connector, format=form)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"type": "integer", "source": None, "state_of": "x"}, "state_of is a text"),
        ({"point": {"order": "lat,lon", "part": "latitude"}}, "point gives a number"),
        ({"epoch": "ms"}, "epoch makes a datetime"),
        ({"stamp": "end", "step": "30m"}, "stamp: end moves a datetime"),
        (
            {"type": "datetime", "timezone": "UTC", "stamp": "end"},
            "stamp: end moves a datetime by its step",
        ),
        ({"states": {"observed": ["x"]}}, "observed is what has a value"),
    ],
)
def test_an_option_must_suit_its_column(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=f"column value: {problem}"):
        column(**changes)


def test_a_state_is_of_a_column_that_there_is() -> None:
    state = {**KEY, "name": "state", "source": None, "type": "text"}
    state |= {"state_of": "elsewhere", "required": False}
    with pytest.raises(ValidationError, match=r"column state: state_of names no col"):
        source(columns=[KEY, state])


def test_only_coordinates_may_share_a_source() -> None:
    point = {"order": "lat,lon", "part": "latitude"}
    shared = {**KEY, "name": "latitude", "type": "number", "source": "p"}
    shared |= {"required": False}
    other = {**shared, "name": "longitude"}
    both = [{**c, "point": point} for c in (shared, other)]
    assert len(source(columns=[KEY, *both]).columns) == 3
    with pytest.raises(ValidationError, match=r"source column declared twice: p"):
        source(columns=[KEY, shared, other])

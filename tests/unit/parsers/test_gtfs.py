"""One table of a GTFS archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.gtfs import parse_gtfs
from lrtzc_pipelines.parsers.registry import _PAGE_PARSERS, _function
from lrtzc_pipelines.sources.formats import GtfsFormat

LABEL = "yelo_gtfs_stops: page file"
REAL = Path(__file__).parents[4] / "shared" / "real" / "gtfs_netex" / "gtfs.zip"
STOPS = b"stop_id,stop_name,stop_lat\r\nS1,Verdun,46.16\r\n"


def feed(**tables: bytes) -> bytes:
    return archive({f"{name}.txt": body for name, body in tables.items()})


def archive(members: dict[str, bytes]) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return body.getvalue()


def parse(body: bytes, table: str = "stops") -> pl.DataFrame:
    return parse_gtfs(body, LABEL, GtfsFormat(kind="gtfs", table=table))


def read(body: bytes, table: str = "stops") -> dict[str, list[str | None]]:
    frame = parse(body, table)
    assert set(frame.dtypes) <= {pl.String}
    return frame.to_dict(as_series=False)


def test_the_registry_knows_the_parser() -> None:
    assert _function(_PAGE_PARSERS["gtfs"]) is parse_gtfs


def test_the_table_that_is_asked_for_is_read_and_no_other() -> None:
    body = feed(stops=STOPS, routes=b"route_id\nR1\n", broken=b"\xff\xfe\x00")
    assert read(body) == {
        "stop_id": ["S1"],
        "stop_name": ["Verdun"],
        "stop_lat": ["46.16"],
    }
    assert read(body, "routes") == {"route_id": ["R1"]}


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert "stop_id" in read(feed(stops=b"\xef\xbb\xbf" + STOPS))


def test_quotes_hold_commas_quotes_and_line_breaks() -> None:
    table = (
        '"stop_id","stop_name"\r\n'
        '"S1","Place ""de l\'Essai"", quai A"\r\n'
        '"S2","a\nb"\r\n'
    )
    assert read(feed(stops=table.encode())) == {
        "stop_id": ["S1", "S2"],
        "stop_name": ['Place "de l\'Essai", quai A', "a\nb"],
    }


def test_decimal_commas_stay_text_beside_points() -> None:
    table = b'stop_id,stop_lat\nS1,"46,43768713"\nS2,46.33\n'
    assert read(feed(stops=table))["stop_lat"] == ["46,43768713", "46.33"]


def test_leading_zeros_and_hours_past_midnight_stay_as_they_are() -> None:
    table = b"trip_id,departure_time,stop_id\n007,25:10:00,0042\n"
    assert read(feed(stop_times=table), "stop_times") == {
        "trip_id": ["007"],
        "departure_time": ["25:10:00"],
        "stop_id": ["0042"],
    }


def test_spaces_around_names_are_no_part_of_them() -> None:
    assert list(read(feed(stops=b"stop_id, stop_name \nS1,a\n"))) == [
        "stop_id",
        "stop_name",
    ]


def test_blank_lines_are_no_rows() -> None:
    assert read(feed(stops=b"stop_id,stop_name\nS1,\n\n,\n\n")) == {
        "stop_id": ["S1"],
        "stop_name": [None],
    }


def test_a_table_may_have_no_rows() -> None:
    frame = parse(feed(stops=b"stop_id,stop_name\r\n"))
    assert (frame.columns, frame.height) == (["stop_id", "stop_name"], 0)


def test_tables_may_stand_in_one_folder() -> None:
    body = archive({"gtfs/stops.txt": STOPS, "__MACOSX/gtfs/._stops.txt": b"\x00"})
    assert read(body)["stop_id"] == ["S1"]


def test_the_table_at_the_top_is_the_one_that_counts() -> None:
    assert read(archive({"old/stops.txt": b"x\n1\n", "stops.txt": STOPS}))["stop_id"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (feed(routes=b"route_id\n1\n"), r"no stops\.txt in the archive"),
        (archive({"STOPS.TXT": STOPS}), r"no stops\.txt in the archive"),
        (archive({"a/stops.txt": STOPS, "b/stops.txt": STOPS}), "several stops.txt"),
        (feed(stops=b""), r"stops\.txt: line 1: no header"),
        (feed(stops=b"a,b\n1,2,3\n"), r"stops\.txt: not delimited by ','"),
        (feed(stops=b"a,b,c\n1,2,3\n4,5\n"), r"stops\.txt: .*row 2 has fewer values"),
        (feed(stops=b"a,b,a\n1,2,3\n"), r"stops\.txt: line 1: column 'a' stands twice"),
        (feed(stops=b"a,b, a\n1,2,3\n"), r"stops\.txt: column 'a' stands twice"),
        (
            feed(stops="a\nAytré\n".encode("cp1252")),
            r"stops\.txt: line 2: byte 6 is not utf-8",
        ),
        (feed(stops=STOPS)[:-30], "not a zip archive"),
        (b"<!doctype html><p>Maintenance", "not a zip archive"),
        (STOPS, "not a zip archive"),
    ],
)
def test_what_cannot_be_read_is_said_without_its_contents(
    body: bytes, said: str
) -> None:
    with pytest.raises(ParseError, match=said) as caught:
        parse(body)
    assert str(caught.value).startswith(f"{LABEL}: ")
    assert "Verdun" not in str(caught.value)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_file(), reason="the real files are not here")
@pytest.mark.parametrize(
    ("table", "rows", "first"),
    [
        ("stops", 9, {"stop_id": "S14944", "stop_lat": "43.2801358236"}),
        ("routes", 1, {"route_id": "L1", "route_type": "3"}),
        ("agency", 1, {"agency_name": "Frioul If Express", "agency_phone": None}),
        ("calendar_dates", 42, {"date": "20161031", "exception_type": "2"}),
        ("transfers", 3, {"from_stop_id": "7002", "min_transfer_time": None}),
    ],
)
def test_the_tables_of_a_real_feed_are_read(
    table: str, rows: int, first: dict[str, str | None]
) -> None:
    body = REAL.read_bytes()
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        lines = found.read(f"{table}.txt").decode("utf-8-sig").split("\r\n")
    frame = parse(body, table)
    assert frame.columns == lines[0].split(",")
    assert frame.height == sum(1 for line in lines[1:] if line) == rows
    assert frame.row(0, named=True).items() >= first.items()

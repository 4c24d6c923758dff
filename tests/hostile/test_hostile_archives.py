"""Packed files that lie, in every format that may come packed.

Each ends in the rows that it really holds or in one clear error, in little memory and
time, and without a byte written or read anywhere else.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from archives import ATTACKS, Attack, Members, pack
from contents import MOST_MEGABYTES, File, Rows, read, refused
from workbooks import SHEET, right_members

TABLE = b"row_id;value\n1;v\n"
NETEX = (
    b'<PublicationDelivery xmlns="http://www.netex.org.uk/netex">'
    b'<StopPlace id="1"><Name>v</Name></StopPlace></PublicationDelivery>'
)
IRVE = b"nom_amenageur,id_station_itinerance,id_pdc_itinerance,nom_station\na,S,1,v\n"
PACKED: dict[str, tuple[File, Members, str]] = {
    "gtfs": (
        File({"kind": "gtfs", "table": "stops"}),
        {"agency.txt": b"agency_id\n9\n", "stops.txt": TABLE.replace(b";", b",")},
        "stops.txt",
    ),
    "netex": (
        File({"kind": "netex", "element": "StopPlace"}, ("id", "Name")),
        {"stops.xml": NETEX},
        "stops.xml",
    ),
    "csv-zip": (
        File({"kind": "csv", "compression": "zip", "member": "t.csv"}),
        {"t.csv": TABLE},
        "t.csv",
    ),
    "irve": (
        File({"kind": "irve"}, ("id_pdc_itinerance", "nom_station")),
        {"t.csv": IRVE},
        "t.csv",
    ),
    "xlsx": (File({"kind": "xlsx"}), right_members(), SHEET),
}
HARMLESS = {"a name of sixty thousand letters"}
"""What may stand in an archive: nothing is ever unpacked to its name."""

RIGHT: Rows = [("1", "v")]


@pytest.mark.parametrize(("file", "members", "_"), PACKED.values(), ids=list(PACKED))
def test_a_right_archive_is_read(
    file: File, members: Members, _: str, tmp_path: Path
) -> None:
    assert read(file, pack(members), tmp_path).rows == RIGHT


@pytest.mark.parametrize(("file", "members", "main"), PACKED.values(), ids=list(PACKED))
@pytest.mark.parametrize(
    "attack",
    [attack for name, attack in ATTACKS.items() if name not in HARMLESS],
    ids=[name for name in ATTACKS if name not in HARMLESS],
)
def test_an_archive_that_lies_is_refused(
    attack: Attack, file: File, members: Members, main: str, tmp_path: Path
) -> None:
    message = refused(file, attack(members, main), tmp_path)
    assert "root:" not in message
    written = {path.relative_to(tmp_path).parts[0] for path in tmp_path.iterdir()}
    assert written == {"consents.yaml", "raw"}


@pytest.mark.parametrize(("file", "members", "main"), PACKED.values(), ids=list(PACKED))
@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_what_is_beside_the_file_that_counts_changes_nothing(
    name: str, file: File, members: Members, main: str, tmp_path: Path
) -> None:
    assert read(file, ATTACKS[name](members, main), tmp_path).rows == RIGHT


GZIP = File({"kind": "csv", "compression": "gzip"})
ROWS = b"row_id;value\n" + b"".join(b"%d;v\n" % number for number in range(5_000))


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(TABLE),
        gzip.compress(TABLE[:13]) + gzip.compress(TABLE[13:]),
        gzip.compress(TABLE) + gzip.compress(b"") * 50_000,
        gzip.compress(TABLE) + bytes(100_000),
    ],
    ids=["one", "two members", "fifty thousand members", "filled up"],
)
def test_a_right_gzip_file_is_read(body: bytes, tmp_path: Path) -> None:
    assert read(GZIP, body, tmp_path).rows == RIGHT


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (gzip.compress(TABLE + b" " * 50_000_000), "expands to more than"),
        (gzip.compress(TABLE + b" " * 50_000_000, 1), "expands to more than"),
        (
            gzip.compress(TABLE) * 2 + gzip.compress(bytes(50_000_000)),
            "expands to more",
        ),
        (gzip.compress(gzip.compress(TABLE)), "is not utf-8"),
        (gzip.compress(ROWS)[:-9], "cut short"),
        (gzip.compress(ROWS)[:-4], "cut short"),
        (gzip.compress(ROWS)[:5], "cut short"),
        (gzip.compress(ROWS)[:-8] + bytes(8), "no gzip file"),
        (gzip.compress(ROWS)[:-4] + b"\xff\xff\xff\xff", "no gzip file"),
        (gzip.compress(TABLE) + b"and more", "no gzip file"),
        (b"\x1f\x8b\x08" + b"\xff" * 5_000, "cut short|no gzip file"),
        (TABLE, "no gzip file"),
    ],
    ids=[
        "a bomb",
        "a bomb packed lightly",
        "a bomb behind the table",
        "packed twice",
        "cut in its last block",
        "cut in its end",
        "cut in its head",
        "a wrong checksum",
        "a wrong size",
        "text after it",
        "garbage",
        "not packed",
    ],
)
def test_a_gzip_file_that_lies_is_refused(
    body: bytes, cause: str, tmp_path: Path
) -> None:
    outcome = read(GZIP, body, tmp_path)
    assert outcome.error is not None
    assert outcome.megabytes < MOST_MEGABYTES
    assert re.search(cause, str(outcome.error))

"""Every real file beside the checkout: read whole, or refused as it deserves.

The list below must name each of them. How many records a file holds is counted here
by other means than ours (the standard library, or a plain search in the bytes).
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest

from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.raw_store import RawStore, read_pages
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

REAL = Path(__file__).parents[3] / "shared" / "real"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]


def delimited(separator: str = ",", encoding: str = "utf-8") -> dict[str, Any]:
    return {"kind": "csv", "separator": separator, "encoding": encoding}


def records(path: str = "", **options: Any) -> dict[str, Any]:
    return {"kind": "json", "records": path, **options}


XML = {"kind": "larochelle_xml"}
GEOJSON = {"kind": "geojson"}

READ: dict[str, dict[str, Any]] = {
    "adult/adult.csv": delimited(),
    "atmo/arcgis_ind_atmo_gwadair_2025.json": records("features", flatten=True),
    "base_carbone/base_carbone_extract.csv": delimited(";", "cp1252"),
    "communes/communes-*_2018.geojson": GEOJSON,
    "communes/communes-france-2025-light.csv": delimited(),
    "covoiturage/lieux_covoiturage_corse_latin1_crlf.csv": delimited(";", "latin-1"),
    "energy_ore/logement_conso2023.csv": delimited(),
    "epci_perimeter/perimetre-epci-a-fp.csv": delimited(";", "cp1252"),
    "gbfs/gbfs_operators.csv": delimited(";"),
    "gbfs/spec_example_station_*.json": records("data.stations"),
    "gbfs/spec_example_gbfs.2.2.json": records("data.en.feeds"),
    "gbfs/spec_example_gbfs.3.0.json": records("data.feeds"),
    "gbfs/systems.csv": delimited(),
    "ghg_igt/igt_prg_2_communes.csv": delimited(),
    "gtfs_netex/bibus-brest-gtfs-rt-alerts.pb": {"kind": "gtfs_rt", "entity": "alert"},
    "gtfs_netex/gtfs.zip": {"kind": "gtfs", "table": "stops"},
    "gtfs_netex/netex.zip": {"kind": "netex", "element": "StopPlace"},
    "ign_wfs/apicarto_codes_postaux_*.json": records(),
    "ign_wfs/apicarto_commune.json": GEOJSON,
    "ign_wfs/apicarto_parcelle*.json": GEOJSON,
    "indicator_definitions/import-indicateur-definitions.csv": delimited(),
    "irve/exemple-valide-*.csv": delimited(),
    "irve/schema-*.json": records("fields"),
    "larochelle_api_v1/*.json": records(flatten=True),
    "larochelle_d4c_ckan/*.json": {"kind": "ckan_records"},
    "larochelle_geojson/*.geojson": GEOJSON,
    "larochelle_webservice_xml/*.xml": XML,
    "larochelle_webservice_xml/maitre_artisans_par_commune.csv": delimited(),
    "larochelle_webservice_xml/nb_entreprise_par_cdc.csv": delimited(),
    "larochelle_webservice_xml/services_catalog.json": records("data"),
    "linky/address.json": records("customer.usage_points"),
    "linky/contract.json": records("customer.usage_points"),
    "linky/detail.json": records("meter_reading.interval_reading"),
    "misc_validation/schemas.json": records("schemas"),
    "misc_validation/zfe_ids.csv": delimited(";"),
    "ods_odre/eco2mix-national-tr_v2.1_records_2023.json": records("results"),
    "sensorthings_lorawan/frost_observations_page.json": records("value"),
}
"""Files that are read, by the format that a specification would declare."""

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # `code=7` inside HTTP 200: the connector names the table, the parser finds no data.
    "larochelle_webservice_xml/stationnement-disponibilite_parking_jour.xml": (
        XML,
        "no opendata/answer/data element",
    ),
    "ign_wfs/geopf_wfs_getcapabilities.xml": (GEOJSON, "not a JSON document"),
    # Vehicles that move are never collected: see the GBFS connector.
    "gbfs/spec_example_free_bike_status.2.2.json": (
        records("data.stations"),
        "no data.stations",
    ),
    "gbfs/spec_example_vehicle_status.3.0.json": (
        records("data.stations"),
        "no data.stations",
    ),
    # State of an account, or a calendar of colours: answers without records.
    "linky/access.json": (records("meter_reading"), "no meter_reading"),
    "linky/ecowatt.json": (records("meter_reading"), "no meter_reading"),
    "linky/tempo.json": (records("meter_reading"), "no meter_reading"),
    "misc_validation/transport__*.json": (records("results"), "no results"),
}
"""Files that are no data of a source, and what is said of them."""

ELSEWHERE = (
    "*/PROVENANCE.md",
    # Generalization hierarchies, for the privacy engine.
    "adult/hierarchies/*.csv",
    # The whole history, 744 pages: benchmarks/parking_history.py.
    "larochelle_webservice_xml/parking_historique_full.tar.zst",
    # Read in tests/unit/parsers/test_uplinks.py, where a log line is one uplink.
    "sensorthings_lorawan/ttn_uplink_log.json",
    # Imagery and its catalogues have a line of their own.
    "sentinel2/*",
    "sentinel_stac_odata/*",
)


def listed(table: dict[str, Any]) -> list[tuple[str, Any]]:
    """The files that a table's patterns name, refusals left to their own table."""
    if not REAL.is_dir():
        return []
    found = []
    for path in sorted(REAL.rglob("*")):
        name = path.relative_to(REAL).as_posix()
        refused = any(fnmatch(name, pattern) for pattern in REFUSED)
        for pattern, what in table.items():
            if path.is_file() and fnmatch(name, pattern):
                if table is REFUSED or not refused:
                    found.append((name, what))
                break
    return found


def spec_of(name: str, form: dict[str, Any]) -> SourceSpec:
    """A source whose data are one of the files."""
    any_source = load_sources()["dgcl_epci_perimeter"].model_dump()
    connector = {"kind": "http_file", "path": quote(name)}
    return SourceSpec.model_validate(
        any_source | {"connector": connector, "format": form}
    )


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing: what was asked is no news."""


@pytest.fixture(scope="module")
def published() -> Iterator[str]:
    """The real files behind HTTP, as their producers publish them."""
    handler = partial(_Quiet, directory=str(REAL))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def collected(url: str, name: str, form: dict[str, Any], folder: Path) -> pl.DataFrame:
    """A file through connector, raw store and parser; without where rows came from."""
    spec = spec_of(name, form)
    target = Target(spec.endpoint, url, "https://a.example/", 1000.0)
    store = RawStore(folder)
    found = collect(spec, target, store, run_id="r1")
    stored = list(read_pages(store, found.snapshot))
    assert [body for _, body in stored] == [(REAL / name).read_bytes()]
    return pl.concat(parse(spec, stored)).drop(PAGE, ROW)


def counted(name: str, form: dict[str, Any]) -> int:  # noqa: C901, PLR0911 - one per format
    """Records in a file, counted without any of our code."""
    body = (REAL / name).read_bytes()
    match form["kind"]:
        case "larochelle_xml":
            return len(re.findall(rb"<row>", body))
        case "csv":
            text = body.decode(form["encoding"]).removeprefix("\ufeff")
            lines = csv.reader(io.StringIO(text), delimiter=form["separator"])
            return sum(1 for line in lines if any(line)) - 1
        case "geojson":
            return len(json.loads(body)["features"])
        case "ckan_records":
            return len(json.loads(body)["result"]["records"])
        case "json":
            found = json.loads(body)
            for step in form["records"].split(".") if form["records"] else ():
                found = found[step]
            return len(found)
        case "gtfs":
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                text = archive.read(f"{form['table']}.txt").decode("utf-8-sig")
            return sum(1 for line in csv.reader(io.StringIO(text)) if line) - 1
        case "netex":
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                pages = [archive.read(member) for member in archive.namelist()]
            tag = re.compile(rb"<(?:\w+:)?" + form["element"].encode() + rb"[\s>]")
            return sum(len(tag.findall(page)) for page in pages)
    raise AssertionError(form)


@pytest.mark.parametrize(
    ("name", "form"), listed(READ), ids=[n for n, _ in listed(READ)]
)
def test_a_real_file_is_read_whole(
    published: str, tmp_path: Path, name: str, form: dict[str, Any]
) -> None:
    frame = collected(published, name, form, tmp_path)
    if form["kind"] == "gtfs_rt":
        # One row per alert and what it is about: 14 pairs, counted in a dump.
        assert frame.height == 14
        return
    # Blank lines are left to the typing step, which refuses them.
    filled = frame.filter(~pl.all_horizontal(pl.all().fill_null("") == ""))
    assert filled.height == counted(name, form)
    assert frame.width or not frame.height


@pytest.mark.parametrize(
    ("name", "what"), listed(REFUSED), ids=[n for n, _ in listed(REFUSED)]
)
def test_a_real_file_that_is_no_data_is_refused(
    published: str, tmp_path: Path, name: str, what: tuple[dict[str, Any], str]
) -> None:
    form, reason = what
    with pytest.raises(
        LrtzcError, match=rf"^dgcl_epci_perimeter: .*{re.escape(reason)}"
    ):
        collected(published, name, form, tmp_path)


def test_every_real_file_is_listed() -> None:
    patterns = [*READ, *REFUSED, *ELSEWHERE]
    names = [
        path.relative_to(REAL).as_posix() for path in REAL.rglob("*") if path.is_file()
    ]
    assert names
    assert [
        name
        for name in names
        if not any(fnmatch(name, pattern) for pattern in patterns)
    ] == []

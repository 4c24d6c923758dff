"""Files found through data.gouv.fr: which ones, whether whole, and what if not."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.data_gouv import UNREACHABLE, mark, pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.parsers.irve import parse_snapshot
from lrtzc_pipelines.sandbox.protocols import data_gouv as sandbox
from lrtzc_pipelines.sources.formats import IrveFormat
from lrtzc_pipelines.sources.protocols import DataGouvConnector

SCHEMA = "etalab/schema-irve-statique"
BY_SCHEMA = {"kind": "data_gouv", "schema_name": SCHEMA}
BY_DATASET = {"kind": "data_gouv", "dataset": "lieux"}
BY_RESOURCE = {"kind": "data_gouv", "resource": "r-1"}
POINTS = [
    {
        "id_pdc_itinerance": f"FRTZC{n:03}",
        "nom_station": f"Hôtel d'essai {n}",
        "coordonneesXY": f"[-1.1{n:02},46.1{n:02}]",
        "gratuit": n % 2 == 0,
        "date_maj": "2026-02-03",
    }
    for n in range(12)
]


def connector(asked: dict[str, Any], **changes: Any) -> DataGouvConnector:
    return DataGouvConnector.model_validate(asked | changes)


def read(
    client: HttpClient,
    asked: dict[str, Any],
    known: Mapping[str, KnownPage] | None = None,
    **changes: Any,
) -> list[Page]:
    with client:
        return list(pages(connector(asked, **changes), client, known or {}))


def resource(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "title": f"Fichier {name}",
        "format": "csv",
        "filetype": "remote",
        "schema": {"name": SCHEMA},
        "last_modified": "2026-01-01T00:00:00+00:00",
        **changes,
    }


def digest(body: bytes) -> dict[str, str]:
    return {"type": "sha1", "value": hashlib.sha1(body).hexdigest()}


class Portal:
    """A catalogue with prepared resources, and files at their stable addresses."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.asked: list[str] = []

    def files(self, **bodies: bytes | int) -> Portal:
        """What is at the stable address of each resource: bytes, or a status."""
        for name, body in bodies.items():
            uri = f"/fr/datasets/r/{name.replace('_', '-')}"
            expected = self.server.expect_request(uri)
            if isinstance(body, int):
                expected.respond_with_data("", body)
            else:
                expected.respond_with_data(body)
        return self

    def datasets(self, *resources: list[dict[str, Any]], size: int = 2) -> Portal:
        """Datasets with a schema, so many on a page of the catalogue."""
        found = [{"id": f"d-{n}", "resources": r} for n, r in enumerate(resources)]

        def respond(request: Request) -> Response:
            page = int(request.args.get("page", 1))
            self.asked.append(request.full_path)
            more = page * size < len(found)
            following = f"{request.base_url}?schema=x&page={page + 1}"
            document = {
                "data": found[(page - 1) * size : page * size],
                "total": len(found),
                "next_page": following if more else None,
            }
            return Response(json.dumps(document))

        self.server.expect_request("/api/1/datasets/").respond_with_handler(respond)
        return self

    def dataset(self, *resources: dict[str, Any]) -> Portal:
        self.server.expect_request("/api/1/datasets/lieux/").respond_with_json(
            {"id": "lieux", "resources": list(resources)}
        )
        return self

    def resource(self, document: object) -> Portal:
        self.server.expect_request("/api/2/datasets/resources/r-1/").respond_with_json(
            document
        )
        return self

    @property
    def client(self) -> HttpClient:
        return client_of(self.server.url_for("/"))


@pytest.fixture
def portal(httpserver: HTTPServer) -> Portal:
    return Portal(httpserver)


def many(count: int) -> list[list[dict[str, Any]]]:
    """Datasets of one resource each, `r-1` modified last."""
    return [
        [resource(f"r-{n}", last_modified=f"2026-01-{28 - n:02}")]
        for n in range(1, count + 1)
    ]


def bodies(count: int) -> dict[str, bytes]:
    return {f"r_{n}": f"file {n}".encode() for n in range(1, count + 1)}


# Against the sandbox


def mounted(httpserver: HTTPServer) -> Mounted:
    table = table_of(POINTS, BY_SCHEMA, {"kind": "irve"})
    return Mounted(httpserver, {"points": table}, sandbox.answer)


def test_the_files_of_every_producer_come_and_hold_every_point_once(
    httpserver: HTTPServer,
) -> None:
    found = read(client_of(mounted(httpserver).base_url), BY_SCHEMA)
    assert len({page.name for page in found}) == len(found) == 3
    assert {page.suffix for page in found} == {"csv"}
    named = [(page.name, page.answer.body) for page in found]
    rows = parse_snapshot(named, "irve", IrveFormat(kind="irve"))
    wanted = {point["id_pdc_itinerance"]: point for point in POINTS}
    came = {row["id_pdc_itinerance"]: row for row in rows.to_dicts()}
    assert came.keys() == wanted.keys()
    assert rows.height == len(POINTS)
    for key, point in wanted.items():
        assert came[key]["coordonneesXY"] == point["coordonneesXY"]
        assert came[key]["nom_station"] == point["nom_station"]
        assert came[key]["gratuit"] == str(point["gratuit"]).lower()
        assert came[key]["date_maj"] == "2026-02-03"
    assert set(rows["coordonnees_inversees"]) == {"true", "false"}
    assert rows["autres_lignes"].to_list().count("1") == 2


def test_a_file_is_asked_for_at_its_stable_address(httpserver: HTTPServer) -> None:
    mount = mounted(httpserver)
    found = read(client_of(mount.base_url), BY_SCHEMA)
    asked = [question.path for question in mount.questions]
    for page in found:
        assert f"fr/datasets/r/{page.name}" in asked
        assert any(path.startswith(f"resources/{page.name}/") for path in asked)


# Which files


def test_every_page_of_the_catalogue_is_read(portal: Portal) -> None:
    portal.datasets(*many(5)).files(**bodies(5))
    found = read(portal.client, BY_SCHEMA)
    assert [page.answer.body for page in found] == [
        f"file {n}".encode() for n in range(1, 6)
    ]
    assert len(portal.asked) == 3
    assert "schema=etalab" in portal.asked[0]


def test_files_come_in_an_order_that_does_not_depend_on_the_catalogue(
    portal: Portal,
) -> None:
    late = resource("r-c", last_modified="2026-03-01")
    ties = [resource("r-b"), resource("r-a")]
    portal.datasets([ties[0]], [late, ties[1]]).files(r_a=b"a", r_b=b"b", r_c=b"c")
    names = [page.name for page in read(portal.client, BY_SCHEMA)]
    assert names == ["r-c", "r-a", "r-b"]


def test_other_schemas_and_titles_are_left_out(portal: Portal) -> None:
    portal.datasets(
        [
            resource("r-1", title="Bornes 2026"),
            resource("r-2", title="Mode d'emploi"),
            resource("r-3", title="Bornes", schema={"name": "etalab/other"}),
            resource("r-4", title="Bornes", schema=None),
        ]
    ).files(r_1=b"one")
    found = read(portal.client, BY_SCHEMA, title_pattern="^Bornes")
    assert [page.name for page in found] == ["r-1"]


def test_a_dataset_gives_all_of_its_files(portal: Portal) -> None:
    portal.dataset(resource("r-1", schema=None), resource("r-2", format="pdf"))
    portal.files(r_1=b"one", r_2=b"two")
    found = read(portal.client, BY_DATASET)
    assert [(p.name, p.suffix) for p in found] == [("r-1", "csv"), ("r-2", "pdf")]


@pytest.mark.parametrize(
    ("latest", "expected"),
    [(1, ["r-3"]), (2, ["r-1", "r-3"]), (9, ["r-1", "r-2", "r-3"])],
)
def test_the_latest_files_are_the_last_by_title(
    portal: Portal, latest: int, expected: list[str]
) -> None:
    # The oldest month was sent again last: it is no newer month for that.
    portal.dataset(
        resource("r-1", title="2026-02.csv", last_modified="2026-03-02"),
        resource("r-2", title="2026-01.csv", last_modified="2026-06-30"),
        resource("r-3", title="2026-03.csv", last_modified="2026-04-02"),
        resource("r-4", title="Mode d'emploi"),
    ).files(r_1=b"one", r_2=b"two", r_3=b"three")
    asked = {"title_pattern": r"^\d{4}-\d{2}", "latest": latest}
    found = read(portal.client, BY_DATASET, **asked)
    assert sorted(page.name for page in found) == expected


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("csv.gz", "gz"),
        ("", "bin"),
        ("../../etc", "bin"),
        ("a b", "bin"),
        ("é", "bin"),
        ("x" * 5000, "bin"),
    ],
)
def test_an_extension_is_letters_and_digits(
    portal: Portal, form: str, suffix: str
) -> None:
    portal.dataset(resource("r-1", format=form)).files(r_1=b"one")
    (page,) = read(portal.client, BY_DATASET)
    assert page.suffix == suffix


def test_packed_files_pass_through_untouched(portal: Portal) -> None:
    packed = gzip.compress(b"a;b\n1;2\n", mtime=0)
    portal.resource({"resource": resource("r-1"), "dataset_id": "d"})
    portal.files(r_1=packed)
    (page,) = read(portal.client, BY_RESOURCE)
    assert page.answer.body == packed


def test_nothing_that_matches_is_an_error(portal: Portal) -> None:
    portal.datasets([resource("r-1")])
    with pytest.raises(FetchError, match=f"schema {SCHEMA}: no resource matches"):
        read(portal.client, BY_SCHEMA, title_pattern="nowhere")


# A catalogue that contradicts itself


def catalogue(httpserver: HTTPServer, document: object) -> HttpClient:
    httpserver.expect_request("/api/1/datasets/").respond_with_json(document)
    return client_of(httpserver.url_for("/"))


DATASET = {"id": "d", "resources": [resource("r-1")]}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"data": [DATASET], "total": 2}, "1 records received, 2 announced"),
        ({"data": [DATASET]}, "announces no total"),
        ({"message": "oops"}, "answers without data"),
        ({"data": [{"id": "d"}], "total": 1}, "a dataset without resources"),
        (
            {"data": [{"id": "d", "resources": [{}]}], "total": 1},
            "a resource without id",
        ),
        (
            {"data": [{"id": "d", "resources": [{"id": "../x"}]}], "total": 1},
            "a resource without id",
        ),
        (
            {"data": [{"id": "d", "resources": [{"title": "x"}]}], "total": 1},
            "a resource without id",
        ),
        (
            {"data": [DATASET], "total": 3, "next_page": "https://else.example/"},
            "refused the next page",
        ),
        (
            {"data": [DATASET], "total": 9, "next_page": "?page=2"},
            "has the records of page 1 again",
        ),
        ([], "expected a JSON object"),
    ],
)
def test_a_catalogue_that_cannot_be_right_is_refused(
    httpserver: HTTPServer, document: object, reason: str
) -> None:
    with pytest.raises(FetchError, match=reason):
        read(catalogue(httpserver, document), BY_SCHEMA)


@not_json
def test_a_catalogue_that_is_no_json_is_refused(
    httpserver: HTTPServer, body: bytes, reason: str
) -> None:
    httpserver.expect_request("/api/1/datasets/").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(client_of(httpserver.url_for("/")), BY_SCHEMA)


# A file that is not what it should be


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b"<html>Maintenance</html>", "an HTML page instead of the file"),
        (404, "HTTP 404"),
        (410, "HTTP 410"),
        (503, "HTTP 503"),
    ],
)
@pytest.mark.parametrize("asked", [BY_DATASET, BY_RESOURCE])
def test_a_file_of_one_producer_that_cannot_be_had_is_an_error(
    portal: Portal, asked: dict[str, Any], body: bytes | int, reason: str
) -> None:
    portal.dataset(resource("r-1")).resource({"resource": resource("r-1")})
    portal.files(r_1=body)
    with pytest.raises(FetchError, match=reason):
        read(portal.client, asked)


def test_a_hosted_file_must_have_the_digest_that_is_listed(portal: Portal) -> None:
    listed = resource("r-1", filetype="file", checksum=digest(b"whole"))
    portal.dataset(listed).files(r_1=b"who")
    with pytest.raises(FetchError, match=r"checksum is listed.*gave up after 2"):
        read(portal.client, BY_DATASET)


@pytest.mark.parametrize(
    "checksum",
    [
        digest(b"whole"),
        {"type": "sha256", "value": hashlib.sha256(b"whole").hexdigest().upper()},
        {"type": "crc32", "value": "00"},
        {"type": "sha1", "value": None},
        None,
    ],
)
def test_a_digest_that_fits_or_is_none_lets_a_file_pass(
    portal: Portal, checksum: object
) -> None:
    listed = resource("r-1", filetype="file", checksum=checksum)
    portal.dataset(listed).files(r_1=b"whole")
    (page,) = read(portal.client, BY_DATASET)
    assert page.answer.body == b"whole"


def test_an_old_digest_of_a_file_elsewhere_proves_nothing(portal: Portal) -> None:
    listed = resource("r-1", filetype="remote", checksum=digest(b"last year's"))
    portal.dataset(listed).files(r_1=b"this year's")
    (page,) = read(portal.client, BY_DATASET)
    assert page.answer.body == b"this year's"


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/meta", "https://127.0.0.1:9/x", "file:///etc"]
)
def test_a_redirect_to_a_private_place_is_refused(
    portal: Portal, httpserver: HTTPServer, place: str
) -> None:
    portal.dataset(resource("r-1"))
    httpserver.expect_request("/fr/datasets/r/r-1").respond_with_data(
        "", 302, {"Location": place}
    )
    with pytest.raises(FetchError, match="refused"):
        read(portal.client, BY_DATASET)


def test_a_redirect_to_the_declared_service_leads_to_its_replacement(
    portal: Portal, httpserver: HTTPServer
) -> None:
    real = "https://www.data.gouv.invalid"
    portal.dataset(resource("r-1"))
    httpserver.expect_request("/fr/datasets/r/r-1").respond_with_data(
        "", 302, {"Location": f"{real}/resources/lieux.csv"}
    )
    httpserver.expect_request("/resources/lieux.csv").respond_with_data("here")
    client = client_of(httpserver.url_for("/"), declared_url=f"{real}/")
    (page,) = read(client, BY_DATASET)
    assert (page.answer.body, page.suffix) == (b"here", "csv")


# A file of one among many producers


def test_a_file_that_was_had_before_is_taken_over(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    portal.datasets(*many(5)).files(**{**bodies(5), "r_2": 503})
    known = {"r-2": KnownPage("0" * 64, None, '"a"')}
    with caplog.at_level(logging.WARNING):
        found = read(portal.client, BY_SCHEMA, known)
    assert [page.name for page in found] == [f"r-{n}" for n in range(1, 6)]
    held = found[1].answer
    assert held.not_modified
    assert "HTTP 503" in held.headers[UNREACHABLE]
    assert "r-2: the file held from before goes on" in caplog.text


@pytest.mark.parametrize("before", [None, KnownPage(hashlib.sha256(b"").hexdigest())])
def test_a_file_that_was_never_had_is_an_empty_page(
    portal: Portal, caplog: pytest.LogCaptureFixture, before: KnownPage | None
) -> None:
    portal.datasets(*many(5)).files(**{**bodies(5), "r_4": 404})
    with caplog.at_level(logging.WARNING):
        found = read(portal.client, BY_SCHEMA, {"r-4": before} if before else {})
    missing = found[3]
    assert (missing.name, missing.answer.body) == ("r-4", b"")
    assert not missing.answer.not_modified
    assert "HTTP 404" in missing.answer.headers[UNREACHABLE]
    assert "r-4: no file yet" in caplog.text
    assert all(UNREACHABLE not in p.answer.headers for p in found if p != missing)


@pytest.mark.parametrize(("count", "down"), [(5, 2), (4, 1), (1, 1), (10, 3)])
def test_more_than_one_file_in_five_is_an_error_even_if_they_are_held(
    portal: Portal, count: int, down: int
) -> None:
    failing = {f"r_{n}": 404 for n in range(1, down + 1)}
    portal.datasets(*many(count)).files(**{**bodies(count), **failing})
    known = {f"r-{n}": KnownPage("0" * 64) for n in range(1, count + 1)}
    reason = f"{down} of {count} files cannot be had"
    with pytest.raises(FetchError, match=reason) as error:
        read(portal.client, BY_SCHEMA, known)
    assert not error.value.permanent


# Marks


def marked(
    httpserver: HTTPServer, *resources: dict[str, Any], **changes: Any
) -> str | None:
    httpserver.clear()
    portal = Portal(httpserver).dataset(*resources)
    with portal.client as client:
        return mark(connector(BY_DATASET, **changes), client)


def hosted(name: str, **changes: Any) -> dict[str, Any]:
    plain = {"filetype": "file", "filesize": 4, "checksum": digest(b"1")}
    return resource(name, **(plain | changes))


def test_a_mark_follows_the_files_and_not_their_order(httpserver: HTTPServer) -> None:
    one, two = hosted("r-1"), hosted("r-2")
    first = marked(httpserver, one, two)
    assert first == marked(httpserver, two, one)
    assert first == marked(httpserver, {**one, "title": "Autrement"}, two)
    assert first is not None
    others = {
        marked(httpserver, one),
        marked(httpserver, one, hosted("r-3")),
        marked(httpserver, one, hosted("r-2", checksum=digest(b"2"))),
        marked(httpserver, one, hosted("r-2", filesize=5)),
        marked(httpserver, one, two, title_pattern="Fichier"),
    }
    assert len({first, *others}) == 6


def test_a_date_has_to_do_where_there_is_no_digest(httpserver: HTTPServer) -> None:
    early = marked(httpserver, hosted("r-1", checksum=None))
    late = marked(httpserver, hosted("r-1", checksum=None, last_modified="2026-02"))
    assert None not in {early, late}
    assert early != late


@pytest.mark.parametrize(
    "unknown",
    [
        {"filetype": "remote"},
        {"filetype": None, "checksum": None},
        {"checksum": None, "last_modified": None},
    ],
)
def test_a_file_that_the_portal_does_not_watch_leaves_no_mark(
    httpserver: HTTPServer, unknown: dict[str, Any]
) -> None:
    assert marked(httpserver, hosted("r-1"), hosted("r-2", **unknown)) is None


def test_many_producers_leave_no_mark(portal: Portal) -> None:
    with portal.client as client:
        assert mark(connector(BY_SCHEMA), client) is None
        assert client.requests == 0

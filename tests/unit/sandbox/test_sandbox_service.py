"""What HTTP has to say about an answer: versions, conditions, compression."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from invented import invented

from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.service import Answer, response
from lrtzc_pipelines.sandbox.synthetic import SyntheticService
from lrtzc_pipelines.sandbox.tables import Question
from lrtzc_pipelines.sandbox.versions import published_at
from lrtzc_pipelines.sandbox.world import World

MOMENT = datetime(2026, 11, 15, 20, 55, tzinfo=UTC)
WRITTEN = "Sun, 15 Nov 2026 20:55:00 GMT"
ANSWER = Answer(b"rows", "text/csv", last_modified=MOMENT)
ETAG = response(ANSWER, {}).headers["etag"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 200),
        ({"if-none-match": ETAG}, 304),
        ({"if-none-match": f'"x", W/{ETAG}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-modified-since": WRITTEN}, 304),
        ({"if-modified-since": "Sun, 15 Nov 2026 20:55:01 GMT"}, 200),
        ({"if-none-match": '"x"', "if-modified-since": WRITTEN}, 200),
    ],
)
def test_a_condition_that_holds_is_answered_without_a_body(
    asked: dict[str, str], status: int
) -> None:
    found = response(ANSWER, asked)
    assert found.status_code == status
    assert found.body == (b"rows" if status == 200 else b"")
    assert found.headers["last-modified"] == WRITTEN


def test_what_has_no_version_fulfils_no_condition() -> None:
    bare = replace(ANSWER, has_etag=False, last_modified=None)
    found = response(bare, {"if-none-match": "*", "if-modified-since": WRITTEN})
    assert (found.status_code, found.body) == (200, b"rows")
    assert {"etag", "last-modified"}.isdisjoint(found.headers)


def test_a_failure_is_never_what_is_held() -> None:
    failed = replace(ANSWER, status=404)
    assert response(failed, {"if-none-match": "*"}).status_code == 404


@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("wanted", ["gzip, br", "identity"])
def test_only_who_packs_packs_for_who_asks(wanted: str, *, is_packed: bool) -> None:
    found = response(replace(ANSWER, is_packed=is_packed), {"accept-encoding": wanted})
    if is_packed and "gzip" in wanted:
        assert found.headers["content-encoding"] == "gzip"
        assert gzip.decompress(found.body) == b"rows"
    else:
        assert found.body == b"rows"
        assert "content-encoding" not in found.headers


@pytest.mark.parametrize(
    ("endpoint", "question", "has_etag", "is_packed"),
    [
        ("bdnb", Question("GET", "donnees/batiment_groupe_complet"), False, False),
        ("rnb", Question("GET", "buildings"), False, False),
        ("ign_geoplateforme", Question("GET", ""), False, True),
        ("terreze_kuzzle", Question("GET", "_scroll/none"), False, True),
        ("agence_bio", Question("GET", "operateurs"), True, False),
    ],
)
def test_services_offer_what_they_are_known_to(
    endpoint: str, question: Question, *, has_etag: bool, is_packed: bool
) -> None:
    found = SyntheticService(World()).ask(endpoint, question)
    assert found
    assert (found.has_etag, found.is_packed) == (has_etag, is_packed)


def test_other_rows_were_published_at_another_moment() -> None:
    connector = {"kind": "agence_bio", "department": "17"}
    one, again, other = (
        published_at(invented([{"id": text}], connector)) for text in "aab"
    )
    assert one == again != other
    assert all((AS_OF - moment).total_seconds() < 86_400 for moment in (one, other))

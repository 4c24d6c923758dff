"""The real downloader against a server that behaves, and one that does not."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from items import AREA, name, sha3
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Limits
from lrtzc_pipelines.errors import FetchError, SettingsError
from lrtzc_pipelines.imagery.checksums import Status
from lrtzc_pipelines.imagery.downloading import Downloader
from lrtzc_pipelines.imagery.scenes import Scene, SceneAsset
from lrtzc_pipelines.imagery.tokens import Tokens

BODY = bytes(range(256)) * 400
NODE = "/odata/v1/Products(uuid)/Nodes(B04_10m.jp2)/$value"
SECRET = "somebody:a-pass-word"
Fault = Callable[[Request], Response | None]


class Service:
    """Serves one file with ranges; each fault is used once, in order."""

    def __init__(self, server: HTTPServer) -> None:
        self.server, self.faults = server, list[Fault]()
        self.ranges: list[str | None] = []
        self.tokens: list[str | None] = []
        self.good = "token-1"
        server.expect_request(NODE).respond_with_handler(self.file)
        server.expect_request("/token", "POST").respond_with_handler(self.token)
        self.granted = 0

    def file(self, request: Request) -> Response:
        self.ranges.append(request.headers.get("Range"))
        self.tokens.append(request.headers.get("Authorization"))
        if self.faults and (answer := self.faults.pop(0)(request)) is not None:
            return answer
        return served(request, BODY)

    def token(self, request: Request) -> Response:
        if request.form["password"] != "a-pass-word":
            return Response('{"error": "invalid_grant"}', 401)
        self.granted += 1
        told = f'{{"access_token": "token-{self.granted}", "expires_in": 600}}'
        return Response(told, mimetype="application/json")


def served(request: Request, body: bytes) -> Response:
    asked = request.headers.get("Range")
    if asked is None:
        return Response(body)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= len(body):
        return Response("", 416)
    told = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
    return Response(body[start:], 206, told)


def cut(_: Request) -> Response:
    """Half of what is announced, and the end of the connection."""
    answer = Response([BODY[: len(BODY) // 2]])
    answer.headers["Content-Length"] = str(len(BODY))
    return answer


def damaged(request: Request) -> Response:
    return served(request, BODY[:-1] + b"?")


def whole_for_a_part(_: Request) -> Response:
    return Response(BODY)


def another_part(_: Request) -> Response:
    return Response(BODY[7:], 206, {"Content-Range": f"bytes 7-9/{len(BODY)}"})


def answers(status: int, **headers: str) -> Fault:
    return lambda _: Response("", status, headers)


@pytest.fixture
def service(httpserver: HTTPServer) -> Service:
    return Service(httpserver)


@pytest.fixture
def downloader(service: Service) -> Downloader:
    target, identity = (
        Target(endpoint, address, address, 2.0, key=key)
        for endpoint, address, key in (
            ("cdse_download", service.server.url_for("/odata/v1"), ""),
            ("cdse_identity", service.server.url_for("/token"), SECRET),
        )
    )
    limits = Limits(attempts=4, backoff=0.0, deadline=3.0, max_bytes=1_000_000)
    return Downloader(target, Tokens(identity), limits, sleep=lambda _: None)


def scene(service: Service, **told: Any) -> Scene:
    fields = {"size": len(BODY), "checksum": sha3(BODY)} | told
    asset = SceneAsset("B04", service.server.url_for(NODE), 10, 1e-4, -0.1, **fields)
    moment = datetime(2026, 4, 1, 11, 6, 19, tzinfo=UTC)
    return Scene(
        name(), "30TXS", moment, moment, 1.0, "05.11", "cdse", AREA, {"B04": asset}
    )


def test_a_file_is_fetched_proven_and_private(
    service: Service, downloader: Downloader, tmp_path: Path
) -> None:
    (found,) = downloader.fetch_all(scene(service), ["B04"], tmp_path)
    assert found.path == tmp_path / "B04.jp2"
    assert found.path.read_bytes() == BODY
    assert (found.status, found.algorithm) == (Status.VERIFIED, "sha3_256")
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["B04.jp2"]
    assert service.tokens == ["Bearer token-1"]


@pytest.mark.parametrize(
    ("faults", "ranges"),
    [
        ([cut], [None, "bytes=51200-"]),
        ([cut, whole_for_a_part], [None, "bytes=51200-"]),
        ([cut, another_part], [None, "bytes=51200-", None]),
        ([cut, answers(416)], [None, "bytes=51200-", None]),
        ([damaged], [None, None]),
        ([cut, damaged], [None, "bytes=51200-", None]),
        ([answers(503, **{"Retry-After": "0"})], [None, None]),
        ([answers(502), cut], [None, None, "bytes=51200-"]),
        ([answers(429)], [None, None]),
    ],
    ids=[
        "cut",
        "cut, range ignored",
        "cut, wrong range",
        "cut, no range",
        "corrupt",
        "cut, corrupt",
        "503",
        "502, cut",
        "429",
    ],
)
def test_faults_that_pass_end_in_the_right_bytes(
    service: Service,
    downloader: Downloader,
    tmp_path: Path,
    faults: list[Fault],
    ranges: list[str | None],
) -> None:
    service.faults = list(faults)
    (found,) = downloader.fetch_all(scene(service), ["B04"], tmp_path)
    assert found.path.read_bytes() == BODY
    assert service.ranges == ranges


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (damaged, "its sha3_256 is another than announced"),
        (lambda _: Response(BODY[:-9]), "102391 bytes, 102400 were announced"),
        (answers(503), "HTTP 503"),
        (answers(202), "offline: it is being brought from the archive"),
        (answers(404), "HTTP 404"),
        (answers(401), "the token was refused"),
        (cut, "RemoteProtocolError"),
        (answers(302, Location="http://169.254.169.254/"), "refused to leave"),
        (answers(302, Location=NODE), "redirect loop"),
        (lambda _: Response(b"x" * 1_000_001), "more than 1000000 bytes"),
    ],
    ids=[
        "corrupt",
        "short",
        "503",
        "offline",
        "gone",
        "refused",
        "cut",
        "private",
        "loop",
        "endless",
    ],
)
def test_faults_that_stay_name_scene_file_and_cause(
    service: Service,
    downloader: Downloader,
    tmp_path: Path,
    fault: Fault,
    reason: str,
) -> None:
    service.faults = [fault] * 30
    asked = scene(service)
    with pytest.raises(FetchError, match=reason) as error:
        downloader.fetch_all(asked, ["B04"], tmp_path)
    assert str(error.value).startswith(f"{asked.id}: B04: ")
    assert "a-pass-word" not in str(error.value)
    assert not list(tmp_path.glob("B04*"))


def test_a_service_that_hangs_is_left(
    service: Service, downloader: Downloader, tmp_path: Path
) -> None:
    import threading

    released = threading.Event()

    def hang(_: Request) -> None:
        released.wait(10)

    service.faults = [hang]
    quick = Downloader(
        downloader.target,
        downloader.tokens,
        Limits(attempts=1, deadline=0.3),
        sleep=lambda _: None,
    )
    with pytest.raises(FetchError, match=r"B04: .*gave up after 1 tries"):
        quick.fetch_all(scene(service), ["B04"], tmp_path)
    released.set()


@pytest.mark.parametrize(
    ("checksum", "proven"),
    [
        (None, (Status.UNVERIFIED, None)),
        ("d50110" + hashlib.md5(BODY).hexdigest(), (Status.VERIFIED, "md5")),
        (
            "d50120" + hashlib.sha3_256(BODY).hexdigest(),
            (Status.VERIFIED, "sha3_256"),
        ),
        ("d50120" + "ab" * 32, (Status.UNVERIFIED, None)),
    ],
    ids=["none", "md5", "mislabelled", "unknown"],
)
def test_what_nobody_can_prove_is_never_called_good(
    service: Service,
    downloader: Downloader,
    tmp_path: Path,
    checksum: str | None,
    proven: tuple[Status, str | None],
) -> None:
    asked = scene(service, checksum=checksum)
    (found,) = downloader.fetch_all(asked, ["B04"], tmp_path)
    assert (found.status, found.algorithm) == proven


def test_an_expired_token_is_renewed_once(
    service: Service, downloader: Downloader, tmp_path: Path
) -> None:
    service.faults = [answers(401)]
    downloader.fetch_all(scene(service), ["B04"], tmp_path)
    assert service.tokens == ["Bearer token-1", "Bearer token-2"]


def test_a_token_is_renewed_in_time(service: Service, downloader: Downloader) -> None:
    assert downloader.tokens is not None
    now = [0.0]
    tokens = Tokens(downloader.tokens.target, clock=lambda: now[0])
    assert [tokens.current(), tokens.current()] == ["token-1", "token-1"]
    now[0] = 541.0
    assert tokens.current() == "token-2"


def test_a_token_stays_with_its_service(
    service: Service, downloader: Downloader
) -> None:
    real = "https://download.dataspace.copernicus.eu/odata/v1"
    one = Downloader(Target("cdse_download", real, real, 2.0), downloader.tokens)
    assert one._token("https://zipper.dataspace.copernicus.eu/odata/v1/x") == "token-1"
    for elsewhere in (
        "https://dataspace.copernicus.eu.example/x",
        "https://evil.example/dataspace.copernicus.eu",
        "http://zipper.dataspace.copernicus.eu/x",
        "https://evildataspace.copernicus.eu/x",
    ):
        assert one._token(elsewhere) == ""


@pytest.mark.parametrize(
    ("key", "error", "reason"),
    [
        ("", SettingsError, "LRTZC_SECRET__CDSE_IDENTITY=user:password"),
        ("somebody:wr0ng", FetchError, "cdse_identity: no token: HTTP 401"),
    ],
)
def test_without_an_account_nothing_is_fetched(
    service: Service, key: str, error: type[Exception], reason: str
) -> None:
    address = service.server.url_for("/token")
    tokens = Tokens(Target("cdse_identity", address, address, 2.0, key=key))
    with pytest.raises(error, match=reason) as told:
        tokens.current()
    assert "wr0ng" not in str(told.value) + repr(tokens)


def test_a_band_that_nobody_tells_of_is_named(
    service: Service, downloader: Downloader, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match="cdse tells of no B11"):
        downloader.fetch_all(scene(service), ["B04", "B11"], tmp_path)

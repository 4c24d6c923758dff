"""Where a connector may go, and what of an address may be told."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from lrtzc_pipelines.connectors.addresses import Target, origin, resolve
from lrtzc_pipelines.errors import FetchError, SettingsError
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.spec import Endpoint

REAL = "https://opendata.ville.example/webservice/"
SANDBOX = "http://127.0.0.1:8940/town_hall/webservice/"


def target(**changes: Any) -> Target:
    values = {
        "endpoint_id": "town_hall",
        "base_url": REAL,
        "declared_url": REAL,
        "requests_per_second": 2.0,
    }
    return Target(**(values | changes))


def endpoint(**changes: Any) -> Endpoint:
    values = {
        "id": "town_hall",
        "title": "Mairie",
        "base_url": REAL,
        "requests_per_second": 2,
        "contact": "https://ville.example/",
    }
    return Endpoint.model_validate(values | changes)


def settings(**changes: Any) -> Settings:
    values = {"endpoint": {}, "secret": {}, "contact": ""}
    return Settings.model_construct(**(values | changes))


def names_resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def found(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (address, 443)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


# Origins


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.fr/x?y#z", ("https", "a.fr", 443)),
        ("HTTPS://A.FR:443", ("https", "a.fr", 443)),
        ("http://a.fr", ("http", "a.fr", 80)),
        ("http://user:word@a.fr:81/", ("http", "a.fr", 81)),
        ("http://[::1]:8080/", ("http", "::1", 8080)),
        ("file:///etc/passwd", ("file", "", 0)),
    ],
)
def test_an_origin_is_scheme_host_and_port(
    url: str, expected: tuple[str, str, int]
) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8940/x/",
        "http://127.9.9.9/",
        "http://localhost:1/",
        "http://[::1]:1/",
    ],
)
def test_this_machine_is_loopback(base_url: str) -> None:
    assert target(base_url=base_url).is_loopback


@pytest.mark.parametrize(
    "base_url", [REAL, "http://10.0.0.1/", "http://localhost.ville.example/"]
)
def test_another_machine_is_not_loopback(base_url: str) -> None:
    assert not target(base_url=base_url).is_loopback


# Overrides


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://opendata.ville.example/feeds/status.json?a=1",
            "http://127.0.0.1:8940/feeds/status.json?a=1",
        ),
        ("https://elsewhere.example/status.json", None),
        ("http://opendata.ville.example/status.json", None),
    ],
)
def test_under_an_override_addresses_of_the_real_service_lead_back(
    url: str, expected: str | None
) -> None:
    assert target(base_url=SANDBOX).rebase(url) == (expected or url)


def test_without_an_override_addresses_stay_as_they_are() -> None:
    assert target().rebase(f"{REAL}status.json") == f"{REAL}status.json"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("status.json", f"{REAL}status.json"),
        ("/status.json", "https://opendata.ville.example/status.json"),
        ("https://b.example/x", "https://b.example/x"),
    ],
)
def test_references_are_read_from_where_they_stand(
    reference: str, expected: str
) -> None:
    assert target().join(REAL, reference) == expected


@pytest.mark.parametrize(
    "reference",
    ["http://[", "https://a.fr:99999/", "//a.fr:x/", "\ud800", "x" * 100_000],
)
def test_a_reference_that_is_no_address_is_refused(reference: str) -> None:
    with pytest.raises(FetchError, match=r"town_hall: not an address"):
        target().join(REAL, reference)


# Where requests may go


@pytest.mark.parametrize("base_url", [SANDBOX, "http://10.0.0.8/intranet/"])
def test_the_operators_own_address_may_be_private(
    monkeypatch: pytest.MonkeyPatch, base_url: str
) -> None:
    names_resolve_to(monkeypatch)
    target(base_url=base_url).check(f"{base_url}deeper?x=1")


def test_a_public_address_may_be_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    names_resolve_to(monkeypatch, "93.184.216.34", "2606:2800:220:1::1")
    target().check("https://files.example/data.csv")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:169.254.169.254",
    ],
)
class TestAPrivateAddress:
    def test_is_refused_behind_a_name(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        names_resolve_to(monkeypatch, address)
        with pytest.raises(FetchError, match=r"town_hall: refused .* private address"):
            target().check("https://files.example/data.csv")

    def test_is_refused_beside_a_public_one(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        names_resolve_to(monkeypatch, "93.184.216.34", address)
        with pytest.raises(FetchError, match=r"private address"):
            target().check("https://files.example/data.csv")

    def test_is_refused_once_connected(self, address: str) -> None:
        with pytest.raises(FetchError, match=r"private address"):
            target().check_peer(connected_to(address), "https://files.example/a")


@pytest.mark.parametrize(
    "url",
    [
        "http://opendata.ville.example/webservice/",
        "http://files.example/",
        "https://opendata.ville.example:8443/",
        "ftp://files.example/",
        "file:///etc/passwd",
    ],
)
def test_leaving_the_service_takes_https(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    names_resolve_to(monkeypatch, "10.0.0.8")
    with pytest.raises(FetchError, match=r"town_hall: refused"):
        target().check(url)


def test_a_name_that_is_unknown_may_be_known_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match=r"files.example: cannot be res") as error:
        target().check("https://files.example/")
    assert not error.value.permanent


def connected_to(address: str) -> httpx.Response:
    stream = SimpleNamespace(get_extra_info=lambda _: (address, 443))
    return httpx.Response(200, extensions={"network_stream": stream})


def test_the_operators_own_peer_may_be_private() -> None:
    target(base_url=SANDBOX).check_peer(connected_to("127.0.0.1"), SANDBOX)


def test_a_public_peer_is_accepted() -> None:
    target().check_peer(connected_to("93.184.216.34"), "https://files.example/")


# Secrets


KEY = "clé d'accès/2+3&4"


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("clé d'accès/2+3&4", id="plain"),
        pytest.param("cl%C3%A9+d%27acc%C3%A8s%2F2%2B3%264", id="query"),
        pytest.param("cl%C3%A9%20d%27acc%C3%A8s/2%2B3%264", id="path"),
        pytest.param("cl%C3%A9%20d%27acc%C3%A8s%2F2%2B3%264", id="strict"),
        pytest.param("clé d&#x27;accès/2+3&amp;4", id="XML"),
    ],
)
class TestASpellingOfTheKey:
    def test_leaves_texts(self, spelling: str) -> None:
        shown = target(key=KEY).scrub(f"http://a.fr/{spelling}/x?id={spelling}&y=1")
        assert shown == "http://a.fr/REDACTED/x?id=REDACTED&y=1"

    def test_leaves_bytes(self, spelling: str) -> None:
        body = f"<request>x={spelling}</request>".encode()
        assert target(key=KEY).scrub_bytes(body) == b"<request>x=REDACTED</request>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?key=abc&db=x", "?key=REDACTED&db=x"),
        ("?db=x&KEY=abc", "?db=x&KEY=REDACTED"),
        ("?api_key=abc", "?api_key=REDACTED"),
        ("?api-key=abc", "?api-key=REDACTED"),
        ("?apikey=abc;x", "?apikey=REDACTED;x"),
        ("?access_token=abc", "?access_token=REDACTED"),
        ("<request>token=abc</request>", "<request>token=REDACTED</request>"),
        ("?password=abc 200", "?password=REDACTED 200"),
        ("?monkey=abc", "?monkey=abc"),
        ("offset=1&limit=5000", "offset=1&limit=5000"),
    ],
)
def test_what_looks_like_a_key_is_not_shown(text: str, expected: str) -> None:
    assert target().scrub(text) == expected


def test_without_a_key_bytes_stay_as_they_are() -> None:
    assert target().scrub_bytes(b"a=1&key=2") == b"a=1&key=2"


# From the endpoint file and the environment


def test_an_endpoint_is_asked_at_its_declared_address() -> None:
    found = resolve(endpoint(), settings(contact="a@b.fr"))
    assert (found.base_url, found.overridden) == (REAL, False)
    assert (found.key, found.contact, found.requests_per_second) == ("", "a@b.fr", 2)


def test_an_override_replaces_the_address() -> None:
    found = resolve(endpoint(), settings(endpoint={"town_hall": SANDBOX}))
    assert (found.base_url, found.declared_url) == (SANDBOX, REAL)
    assert found.overridden


def test_the_environment_gives_overrides_and_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LRTZC_ENDPOINT__TOWN_HALL", SANDBOX)
    monkeypatch.setenv("LRTZC_SECRET__TOWN_HALL", "s3cret")
    found = resolve(endpoint(key_required=True), Settings())
    assert (found.base_url, found.key) == (SANDBOX, "s3cret")


@pytest.mark.parametrize(
    "base_url",
    ["ftp://a.fr/", "a.fr", "", "file:///data", "http://", "http://[", "http://a:x/"],
)
def test_an_override_must_be_an_address(base_url: str) -> None:
    with pytest.raises(SettingsError, match=r"LRTZC_ENDPOINT__TOWN_HALL: not an http"):
        resolve(endpoint(), settings(endpoint={"town_hall": base_url}))


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(SettingsError, match=r"town_hall.*set LRTZC_SECRET__TOWN_HALL"):
        resolve(endpoint(key_required=True), settings())


def test_a_sandbox_wants_no_key() -> None:
    overrides = settings(endpoint={"town_hall": SANDBOX})
    assert resolve(endpoint(key_required=True), overrides).key == ""


def test_a_key_is_taken_from_the_settings() -> None:
    given = settings(secret={"town_hall": SecretStr("s3cret")})
    assert resolve(endpoint(key_required=True), given).key == "s3cret"


def test_the_loopback_may_be_asked_without_a_contact() -> None:
    target(base_url=SANDBOX).require_contact()


def test_words_from_outside_are_one_short_line_without_the_key() -> None:
    words = "a\r\n\u2028b\x1b[31m \ud800" + "x" * 280 + KEY + "y" * 99
    shown = target(key=KEY).shown(words)
    assert shown.startswith("a b [31m x")
    assert len(shown) <= 301
    assert shown.isprintable()
    # What is cut is cut after the key was taken out: no part of it is left.
    assert KEY[:4] not in shown

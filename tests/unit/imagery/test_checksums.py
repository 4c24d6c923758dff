from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.imagery.checksums import Checking, Status, parse_multihash
from lrtzc_pipelines.imagery.scenes import CatalogError

BODY = b"a band"
SHA3 = hashlib.sha3_256(BODY).hexdigest()
SHA2 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


def checked(announced: str | None, body: bytes) -> tuple[Status, str | None]:
    one = Checking(parse_multihash(announced) if announced else None)
    for place in range(0, len(body), 3):
        one.add(body[place : place + 3])
    return one.end(), one.found


@pytest.mark.parametrize(
    ("announced", "algorithm"),
    [("1620" + SHA3, "sha3_256"), ("1220" + SHA2, "sha256"), ("d50110" + MD5, "md5")],
)
def test_bytes_are_verified_by_what_is_announced(
    announced: str, algorithm: str
) -> None:
    assert checked(announced, BODY) == (Status.VERIFIED, algorithm)
    with pytest.raises(ValueError, match=f"its {algorithm} is another"):
        checked(announced, BODY + b".")


@pytest.mark.parametrize(
    ("digest", "status", "found"),
    [
        (SHA3, Status.VERIFIED, "sha3_256"),
        (SHA2, Status.VERIFIED, "sha256"),
        (hashlib.blake2s(BODY).hexdigest(), Status.UNVERIFIED, None),
    ],
)
def test_a_wrong_label_proves_only_what_fits(
    digest: str, status: Status, found: str | None
) -> None:
    """`d50120`: MD5, it says, and 32 bytes follow."""
    assert checked("d50120" + digest, BODY) == (status, found)


def test_nothing_announced_proves_nothing() -> None:
    assert checked(None, BODY) == (Status.UNVERIFIED, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zz",
        "d5",
        "1620" + SHA3[:-2],
        "1620" + SHA3 + "00",
        "ff0110" + MD5,
        "d50108" + MD5[:16],
    ],
)
def test_what_is_no_multihash_is_refused(text: str) -> None:
    with pytest.raises(CatalogError, match="file:checksum"):
        parse_multihash(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_multihash_or_refused(content: bytes) -> None:
    try:
        found = parse_multihash(content.hex())
    except CatalogError:
        return
    assert found.algorithms
    assert content.hex().endswith(found.digest)

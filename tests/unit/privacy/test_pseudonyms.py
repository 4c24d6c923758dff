"""Pseudonyms: the standard's vectors, one way only, keys that can be destroyed."""

from __future__ import annotations

import hashlib
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.privacy.pseudonyms import Key, Keyring, keyring, period_of

SECRET = hashlib.sha256(b"a secret of these tests").hexdigest()
METERS = [f"{n:014}" for n in range(1000)]

# RFC 4231, test cases whose keys are text.
VECTORS = [
    (
        "Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        "\x0b" * 20,
        "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
]


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return keyring(tmp_path / "salts", SECRET)


def pseudonyms(key: Key, values: list[str | None]) -> list[str | None]:
    frame = pl.DataFrame({"id": values}, schema={"id": pl.String})
    return frame.select(key.pseudonym(pl.col("id")))[:, 0].to_list()


@pytest.mark.parametrize(("key", "message", "digest"), VECTORS)
def test_the_plugin_computes_the_standard_s_vectors(
    key: str, message: str, digest: str
) -> None:
    frame = pl.DataFrame({"m": [message]})
    found = frame.select(pl.col("m").chash.hmac_sha256(key=key)).item()
    assert found == digest


@given(st.text(), st.text(min_size=1))
def test_the_plugin_is_the_standard_library_s_hmac(message: str, key: str) -> None:
    found = (
        pl.DataFrame({"m": [message]})
        .select(pl.col("m").chash.hmac_sha256(key=key))
        .item()
    )
    assert found == hmac.new(key.encode(), message.encode(), "sha256").hexdigest()


def test_a_pseudonym_says_its_key_and_nothing_else(keys: Keyring) -> None:
    key = keys.key("energie", "linky_load_curves", "2026-11")
    (found,) = pseudonyms(key, ["00000000000017"])
    assert found is not None
    assert found.startswith(f"p{key.id}_")
    assert len(found) == len(key.id) + 34
    assert "00000000000017" not in found


def test_different_people_have_different_pseudonyms(keys: Keyring) -> None:
    key = keys.key("energie", "linky_load_curves", "2026-11")
    assert len(set(pseudonyms(key, list(METERS)))) == len(METERS)


def test_spelling_does_not_make_another_person(keys: Keyring) -> None:
    key = keys.key("waste", "valorisation_company_waste", "2026")
    spellings = ["00000000012345", "000 000 000 12345", " 00000000012345\n"]
    assert len(set(pseudonyms(key, [*spellings]))) == 1
    assert len(set(pseudonyms(key, ["ab12", "AB12"]))) == 1


def test_an_absent_identifier_has_no_pseudonym(keys: Keyring) -> None:
    key = keys.key("energie", "linky_load_curves", "2026-11")
    assert pseudonyms(key, [None, "1"])[0] is None


@pytest.mark.parametrize(
    "other",
    [
        ("mobility", "linky_load_curves", "2026-11"),
        ("energie", "enedis_curves", "2026-11"),
        ("energie", "linky_load_curves", "2026-12"),
    ],
)
def test_domains_datasets_and_periods_cannot_be_joined(
    keys: Keyring, other: tuple[str, str, str]
) -> None:
    one = keys.key("energie", "linky_load_curves", "2026-11")
    another = keys.key(*other)
    assert one.id != another.id
    assert not set(pseudonyms(one, list(METERS))) & set(
        pseudonyms(another, list(METERS))
    )


def test_a_key_is_the_same_as_long_as_its_salt_is_there(tmp_path: Path) -> None:
    first, second = (keyring(tmp_path, SECRET) for _ in range(2))
    asked = ("energie", "linky_load_curves", "2026-11")
    assert first.key(*asked) == second.key(*asked)
    assert keyring(tmp_path, SECRET[::-1]).key(*asked) != first.key(*asked)


def test_a_destroyed_key_does_not_come_back(keys: Keyring) -> None:
    periods = ["2025", "2025-12", "2026-10", "2026-11"]
    before = {p: keys.key("energie", "linky_load_curves", p) for p in periods}
    destroyed = keys.destroy("energie", "linky_load_curves", "2026-11")
    assert destroyed == ["2025", "2025-12", "2026-10"]
    after = {p: keys.key("energie", "linky_load_curves", p) for p in periods}
    assert after["2026-11"] == before["2026-11"]
    assert all(after[p] != before[p] for p in destroyed)


def test_salts_are_for_their_owner_only(keys: Keyring, tmp_path: Path) -> None:
    keys.key("energie", "linky_load_curves", "2026-11")
    (salt,) = tmp_path.rglob("*.salt")
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600
    assert stat.S_IMODE(salt.parent.stat().st_mode) == 0o700
    assert [path.name for path in salt.parent.iterdir()] == [salt.name]


def test_processes_that_start_together_share_one_salt(keys: Keyring) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda _: keys.key("e", "d", "2026"), range(64))
    assert len(set(made)) == 1


@pytest.mark.parametrize(
    "secret", ["", "xyz", "ab" * 31, "00" * 32, "zz" * 32, "ab" * 32]
)
def test_a_weak_secret_is_refused_and_not_told(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SettingsError, match=r"secrets\.token_hex") as error:
        keyring(tmp_path, secret)
    assert not secret or secret not in str(error.value)


def test_nothing_that_is_shown_holds_secret_or_key(keys: Keyring) -> None:
    key = keys.key("energie", "linky_load_curves", "2026-11")
    shown = f"{keys!r} {key!r}"
    assert SECRET not in shown
    assert bytes.fromhex(SECRET).hex() not in shown
    hidden = key._hexadecimal
    assert hidden not in shown
    plan = pl.LazyFrame({"id": ["1"]}).select(key.pseudonym(pl.col("id"))).explain()
    assert hidden not in plan


@pytest.mark.parametrize("period", ["", "2026-1", "../../x", "2026-11-24", "now"])
def test_a_period_is_a_year_or_a_month(keys: Keyring, period: str) -> None:
    with pytest.raises(ValueError, match="is no period"):
        keys.key("energie", "linky_load_curves", period)


def test_a_day_is_in_a_month_and_a_year() -> None:
    assert period_of(date(2026, 3, 31), "month") == "2026-03"
    assert period_of(date(2026, 3, 31), "year") == "2026"

"""Extracts under pseudonyms: who can be followed for how long, and where they stay."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from protected_rows import CURVES, TRIPS, hold, trips
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from lrtzc_pipelines.cli.app import app
from lrtzc_pipelines.errors import LrtzcError, SettingsError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.pseudonymising import pseudonymised, write_pseudonymised
from lrtzc_pipelines.privacy.pseudonyms import Keyring, keyring
from lrtzc_pipelines.retention import purge
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.pseudonymised import Pseudonymised

SECRET = bytes(range(32)).hex()
POLICY = TRIPS.pseudonymised
assert POLICY


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    hold(layout, TRIPS, two_months())
    return layout


def two_months() -> pl.DataFrame:
    rows = trips(np.random.default_rng(1))
    later = rows.with_columns(pl.col("departed_at").dt.offset_by("1mo"))
    return pl.concat([rows, later])


@pytest.fixture
def keys(layout: Layout) -> Keyring:
    return keyring(layout.salts, SECRET)


def test_rows_are_split_by_period_under_its_pseudonyms(
    layout: Layout, keys: Keyring
) -> None:
    told = write_pseudonymised(TRIPS, layout, keys)
    assert [extract.period for extract in told] == ["2026-03", "2026-04"]
    assert sum(extract.rows for extract in told) == two_months().height
    assert told[0].unicity[4] > told[0].unicity[1]
    march, april = (
        pl.read_parquet(layout.pseudonymised(TRIPS.id) / f"{extract.period}.parquet")
        for extract in told
    )
    assert march.columns == [
        "user_id",
        "origin_commune_code",
        "destination_commune_code",
        "departed_at",
    ]
    assert march["user_id"].str.contains(r"^p[a-z2-7]{6}_[0-9a-f]{32}$").all()
    assert not set(march["user_id"]) & set(april["user_id"])
    assert (
        march["user_id"].n_unique()
        == trips(np.random.default_rng(1))["user_id"].n_unique()
    )
    assert (march["departed_at"].dt.minute() == 0).all()


def test_nobody_else_can_read_them(layout: Layout, keys: Keyring) -> None:
    write_pseudonymised(TRIPS, layout, keys)
    folder = layout.pseudonymised(TRIPS.id)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_same_person_has_another_pseudonym_in_another_domain(
    keys: Keyring,
) -> None:
    rows = two_months()
    other = POLICY.model_copy(update={"domain": "other"})
    ids = [
        {
            name
            for _, frame in pseudonymised("s", rows, policy, keys)
            for name in frame["user_id"]
        }
        for policy in (POLICY, other)
    ]
    assert not ids[0] & ids[1]


def test_a_year_keeps_its_pseudonyms(keys: Keyring) -> None:
    yearly = POLICY.model_copy(update={"rotation": "year"})
    ((period, rows),) = pseudonymised("s", two_months(), yearly, keys)
    assert period == "2026"
    assert rows["user_id"].n_unique() == two_months()["user_id"].n_unique()


def test_what_is_over_goes_with_its_keys(layout: Layout, keys: Keyring) -> None:
    write_pseudonymised(TRIPS, layout, keys)
    april = datetime(2026, 4, 10, tzinfo=UTC)
    now = april + timedelta(days=TRIPS.raw_retention_days)
    gone = purge([TRIPS], layout, now, dry_run=False)
    assert ("pseudonymised", 1) in [(entry.layer, entry.files) for entry in gone]
    left = {p.name for p in layout.pseudonymised(TRIPS.id).iterdir()}
    assert left == {"2026-04.parquet"}
    assert [p.name for p in layout.salts.rglob("*.salt")] == ["2026-04.salt"]


def test_a_source_without_such_an_extract_has_none(
    layout: Layout, keys: Keyring
) -> None:
    with pytest.raises(LrtzcError, match=r"linky_load_curves: declares no extract"):
        write_pseudonymised(CURVES, layout, keys)


def test_without_validated_rows_it_says_what_to_do(
    tmp_path: Path, keys: Keyring
) -> None:
    with pytest.raises(LrtzcError, match="lrtzc refresh"):
        write_pseudonymised(TRIPS, Layout(tmp_path / "empty"), keys)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"identifiers": ["nobody"]}, "nobody, which are no columns"),
        ({"period_of": "user_id"}, "user_id is no day or moment"),
        ({"columns": {"user_id": "value"}}, "would stand beside its pseudonym"),
        ({"columns": {"departed_at": "soon"}}, "nothing that can be taken"),
    ],
)
def test_what_makes_no_sense_does_not_load(
    changes: dict[str, Any], reason: str
) -> None:
    told = TRIPS.model_dump() | {"pseudonymised": POLICY.model_dump() | changes}
    with pytest.raises(ValidationError, match=reason):
        type(TRIPS).model_validate(told)


def test_the_secret_comes_from_the_environment_or_from_a_strict_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    assert Settings(pseudonym_secret_file=file).secret_of_pseudonyms() == SECRET
    given = Settings(pseudonym_secret=SecretStr(SECRET))
    assert given.secret_of_pseudonyms() == SECRET
    assert SECRET not in repr(given)
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600") as error:
        Settings(pseudonym_secret_file=file).secret_of_pseudonyms()
    assert SECRET not in str(error.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings(pseudonym_secret_file=tmp_path / "none").secret_of_pseudonyms()


def test_the_command_refuses_without_a_secret_and_says_how_to_make_one(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRTZC_DATA_DIR", str(layout.data_dir))
    monkeypatch.delenv("LRTZC_PSEUDONYM_SECRET", raising=False)
    command = ["privacy", "pseudonymise", TRIPS.id]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, SettingsError)
    assert "token_hex" in str(refused.exception)
    monkeypatch.setenv("LRTZC_PSEUDONYM_SECRET", SECRET)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "2026-03.parquet" in done.output.replace("\n", "")
    assert "4 rows" in done.output.replace("\n", " ")
    assert SECRET not in done.output


def test_a_policy_needs_a_purpose() -> None:
    with pytest.raises(ValidationError, match="purpose"):
        Pseudonymised.model_validate(POLICY.model_dump() | {"purpose": "?"})

"""The account of a budget: written first, never given back, never overdrawn."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from noisy_trips import SPEC, TRIPS, ledger_of, noisy, released, trips

from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise_budget import BudgetAccount
from lrtzc_pipelines.sources.noise_protection import NoiseProtection

NOW = datetime(2026, 5, 15, tzinfo=UTC)
MONTHS = [date(2026, month, 1) for month in range(1, 13)]


def policy_of(**changes: object) -> NoiseProtection:
    found = noisy(**changes).protection
    assert isinstance(found, NoiseProtection)
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_of(tmp_path)


@pytest.fixture
def account(ledger: Ledger) -> BudgetAccount:
    ledger.folder.mkdir(parents=True)
    return BudgetAccount(ledger)


def test_a_year_pays_for_the_periods_that_begin_in_it(account: BudgetAccount) -> None:
    account.charge([date(2025, 12, 1), *MONTHS[:3]], policy_of(), NOW)
    assert account.spent() == {2025: 0.5, 2026: 1.5}
    assert account.path.stat().st_mode & 0o777 == 0o600


def test_a_whole_year_is_paid_for_and_no_more(account: BudgetAccount) -> None:
    account.charge(MONTHS, policy_of(), NOW)
    assert account.spent() == {2026: 6}
    dearer = policy_of(epsilon=0.25)
    with pytest.raises(
        PrivacyError,
        match=rf"{TRIPS}: the budget of 2026 is 6, of which 6 is spent, and 0.25 more",
    ):
        account.charge([MONTHS[0]], dearer, NOW)
    assert account.spent() == {2026: 6}


def test_many_small_charges_add_up_to_their_sum(account: BudgetAccount) -> None:
    policy = policy_of(epsilon=0.1, budget={"epsilon": 1.2})
    for month in MONTHS:
        account.charge([month], policy, NOW)
    assert account.spent()[2026] == pytest.approx(1.2)


def test_a_period_whose_release_never_came_is_paid_for_once(
    account: BudgetAccount,
) -> None:
    account.charge(MONTHS[:2], policy_of(), NOW)
    account.charge(MONTHS[:3], policy_of(), NOW)
    assert account.spent() == {2026: 1.5}
    account.charge(MONTHS[:1], policy_of(max_cells=3), NOW)
    assert account.spent() == {2026: 2.0}


def test_a_new_series_goes_on_with_the_same_account(ledger: Ledger) -> None:
    rows = trips(np.random.default_rng(0))
    released(rows, ledger)
    ledger.restart(NOW)
    assert BudgetAccount(ledger).spent() == {2026: 1.5}
    other = noisy(max_cells=3)
    released(rows, ledger, other)
    assert BudgetAccount(ledger).spent() == {2026: 3.0}
    for second in range(1, 3):
        ledger.restart(NOW.replace(second=second))
        if second == 1:
            released(rows, ledger, other)
    released(rows, ledger, SPEC)
    assert BudgetAccount(ledger).spent() == {2026: 6.0}
    ledger.restart(NOW.replace(second=9))
    with pytest.raises(PrivacyError, match=r"6 is spent, and 1.5 more is asked for"):
        released(rows, ledger)
    assert not ledger.editions()


def test_of_invented_data_a_new_series_has_a_new_budget(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path, invented=True)
    rows = trips(np.random.default_rng(0))
    released(rows, ledger)
    smaller = {
        "origin_commune_code": ["17300"],
        "destination_commune_code": ["17300"],
    }
    released(rows, ledger, noisy(categories=smaller))
    assert ledger.series_number == 2
    assert BudgetAccount(ledger).spent() == {2026: 1.5}
    assert len(BudgetAccount(ledger).charges()) == 6


@pytest.mark.parametrize("text", ["", "[{]", '[{"year": 2026}]', '{"a": 1}'])
def test_an_account_that_cannot_be_read_lets_nothing_go(
    ledger: Ledger, text: str
) -> None:
    rows = trips(np.random.default_rng(0))
    released(rows, ledger)
    account = BudgetAccount(ledger)
    account.path.write_text(text)
    with pytest.raises(PrivacyError, match="nobody knows what is spent"):
        released(
            trips(np.random.default_rng(0), months=6), ledger, day=date(2026, 9, 9)
        )
    assert account.path.read_text() == text


def test_an_account_that_is_gone_lets_nothing_go(ledger: Ledger) -> None:
    rows = trips(np.random.default_rng(0))
    released(rows, ledger)
    BudgetAccount(ledger).path.unlink()
    with pytest.raises(PrivacyError, match="nobody knows what is spent"):
        released(rows, ledger)


def test_charges_say_when_and_for_what(account: BudgetAccount) -> None:
    account.charge(MONTHS[:1], policy_of(), NOW)
    assert json.loads(account.path.read_text()) == [
        {
            "series": 1,
            "period": "2026-01-01",
            "year": 2026,
            "epsilon": 0.5,
            "max_cells": 2,
            "charged_at": "2026-05-15T00:00:00+00:00",
        }
    ]

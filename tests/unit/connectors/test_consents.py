"""The file of consents: its privacy, its entries, and what a mistake may reveal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lrtzc_pipelines.connectors.consents import Consent, read_consents
from lrtzc_pipelines.errors import SettingsError

METER = "00000000000017"
GOOD = f"""
- usage_point_id: "{METER}"
  consented_from: 2026-01-01
  consented_until: 2026-12-31
- usage_point_id: "00000000000018"
  consented_from: "2026-02-01"
  consented_until: 2026-02-01
"""


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "linky.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def test_consents_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    first, second = read_consents(written(tmp_path, GOOD))
    assert first.usage_point_id == METER
    assert (second.consented_from, second.consented_until) == (
        date(2026, 2, 1),
        date(2026, 2, 1),
    )


def test_a_file_without_entries_has_no_consent(tmp_path: Path) -> None:
    assert read_consents(written(tmp_path, "# nobody yet\n")) == ()


def test_a_consent_does_not_show_its_meter(tmp_path: Path) -> None:
    assert METER not in repr(read_consents(written(tmp_path, GOOD)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o660, 0o666])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, GOOD, mode)
    with pytest.raises(SettingsError, match=r"only its owner.*chmod 600"):
        read_consents(path)


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"linky\.yaml: the consents cannot be"):
        read_consents(tmp_path / "linky.yaml")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace(f'"{METER}"', "17"), "entry 1: usage_point_id: .*valid string"),
        (GOOD.replace(f'"{METER}"', '"17"'), "entry 1: usage_point_id: .*pattern"),
        (GOOD.replace("2026-12-31", "2025-12-31"), "entry 1: .*is before"),
        (GOOD.replace("2026-12-31", "never"), "entry 1: consented_until: .*date"),
        (GOOD + "  holder: Camille Inventée\n", "entry 2: Extra inputs"),
        (GOOD + "  Camille Inventée: x\n", "entry 2: Extra inputs"),
        (f'- usage_point_id: "{METER}"\n', "entry 1: consented_from: Field required"),
        ("usage_points: []", "the file: .*valid tuple"),
        (GOOD + "- [\n", "line [0-9]+: not YAML"),
        (b"- \xff\xfe", "not YAML"),
    ],
)
def test_a_mistake_is_told_by_its_place_alone(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason) as error:
        read_consents(written(tmp_path, text))
    assert METER not in str(error.value)
    assert "Camille" not in str(error.value)
    assert error.value.__suppress_context__


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [
        (date(2026, 1, 5), date(2026, 1, 8), (date(2026, 1, 5), date(2026, 1, 8))),
        (date(2025, 12, 1), date(2026, 1, 3), (date(2026, 1, 1), date(2026, 1, 3))),
        (date(2026, 1, 9), date(2026, 2, 1), (date(2026, 1, 9), date(2026, 1, 11))),
        (date(2026, 1, 10), date(2026, 1, 11), (date(2026, 1, 10), date(2026, 1, 11))),
        (date(2026, 1, 11), date(2026, 1, 12), None),
        (date(2025, 1, 1), date(2026, 1, 1), None),
    ],
)
def test_only_consented_days_are_left(
    start: date, end: date, within: tuple[date, date] | None
) -> None:
    consent = Consent(
        usage_point_id=METER,
        consented_from=date(2026, 1, 1),
        consented_until=date(2026, 1, 10),
    )
    assert consent.within(start, end) == within

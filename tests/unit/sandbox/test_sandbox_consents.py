"""Consents of invented meters: private, readable, and never over an operator's."""

from __future__ import annotations

from pathlib import Path

from lrtzc_pipelines.connectors.consents import read_consents
from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.draws import TODAY
from lrtzc_pipelines.sandbox.recipes import recipe_frame

SEED = 7


def test_every_invented_meter_has_a_consent(tmp_path: Path) -> None:
    (path,) = write_consents(tmp_path, SEED)
    assert path == tmp_path / "consents" / "linky.yaml"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    found = read_consents(path)
    meters = recipe_frame("linky_load_curves", SEED, TODAY)["usage_point_id"]
    assert {consent.usage_point_id for consent in found} == set(meters)
    assert all(c.consented_from <= TODAY <= c.consented_until for c in found)


def test_what_an_operator_wrote_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "consents" / "linky.yaml"
    path.parent.mkdir()
    path.write_text("[]")
    assert write_consents(tmp_path, SEED) == []
    assert path.read_text() == "[]"

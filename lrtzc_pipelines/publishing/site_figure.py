"""The page's key figure: a line of the carbon ledger, never shown bare.

A result goes out with its unit, year, method, factor, source, state and interval, or
with the words that say which of them is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrtzc_pipelines.publishing import site_text as text
from lrtzc_pipelines.publishing.charts import IntervalBar, interval_bar
from lrtzc_pipelines.publishing.site_data import LedgerRow
from lrtzc_pipelines.publishing.site_table import Table, TableGroup

UNIT = text.unit("tCO2e")
COLUMNS = (
    *("Année", "Activité", "Facteur", "Année du facteur", "Source du facteur"),
    *("Méthode", f"Résultat ({UNIT})", f"Bas ({UNIT})", f"Haut ({UNIT})", "État"),
)


@dataclass(frozen=True)
class KeyFigure:
    """The figure and everything it may not be shown without."""

    result: str
    unit: str
    interval: str
    area: str
    year: str
    facts: Sequence[tuple[str, str]]
    bar: IntervalBar | None
    table: Table


def key_figure(rows: Sequence[LedgerRow]) -> KeyFigure | None:
    """The first row as the figure to show; its table holds them all."""
    if not rows:
        return None
    row = rows[0]
    low, high = row.result_low_tco2e, row.result_high_tco2e
    bar = None
    interval = "intervalle non disponible"
    if row.result_tco2e is not None and low is not None and high is not None:
        interval = f"entre {text.quantity(low)} et {text.quantity(high)} {UNIT}"
        # The bar starts at zero: a stored quantity, below it, is left to the words.
        if min(low, row.result_tco2e) >= 0:
            title = f"Résultat et son intervalle, en {UNIT}"
            bar = interval_bar(title, low, row.result_tco2e, high, UNIT)
    return KeyFigure(
        result=text.quantity(row.result_tco2e),
        unit=UNIT,
        interval=interval,
        area=row.area_name or "Agglomération de La Rochelle",
        year=text.year(row.year),
        facts=_facts(row),
        bar=bar,
        table=Table(
            element_id="table-registre",
            summary="Les données de ce chiffre",
            caption="Électricité des logements dans le registre carbone",
            columns=COLUMNS,
            groups=[TableGroup("", [_cells(item) for item in rows])],
            is_numeric=False,
        ),
    )


def _facts(row: LedgerRow) -> list[tuple[str, str]]:
    spread = row.factor_uncertainty_percent
    uncertainty = text.NOT_AVAILABLE
    if spread is not None:
        uncertainty = f"±{text.HARD_SPACE}{text.exact(spread)}{text.THIN_SPACE}%"
    return [
        ("Activité", f"{_activity(row)} en {text.year(row.year)}"),
        ("État de l'activité", text.state(row.activity_state)),
        (
            "Facteur d'émission",
            f"{_factor(row)}, année {text.year(row.factor_year)}",
        ),
        ("Source du facteur", row.factor_source or text.NOT_AVAILABLE),
        ("Incertitude du facteur", uncertainty),
        ("Méthode", text.method(row.method)),
        ("État du résultat", text.state(row.result_state)),
    ]


def _cells(row: LedgerRow) -> list[str]:
    return [
        text.year(row.year),
        _activity(row),
        _factor(row),
        text.year(row.factor_year),
        row.factor_source or text.NOT_AVAILABLE,
        row.method or text.NOT_AVAILABLE,
        text.quantity(row.result_tco2e),
        text.quantity(row.result_low_tco2e),
        text.quantity(row.result_high_tco2e),
        text.state(row.result_state),
    ]


def _activity(row: LedgerRow) -> str:
    amount = text.quantity(row.activity_quantity)
    return f"{amount}{text.HARD_SPACE}{text.unit(row.activity_unit)}"


def _factor(row: LedgerRow) -> str:
    value = text.exact(row.factor_value)
    return f"{value}{text.HARD_SPACE}{text.unit(row.factor_unit)}"

"""The budget of differential privacy: what was told of a person, and what still may be.

Epsilon that is spent never comes back, whatever becomes of what it was spent on: so it
is written down before noise is drawn, and a new series of releases goes on with the
same account. A period that was paid for and never released (its run was killed, or its
audit failed) is not paid for twice in its series.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.storage import write_json

_NEAR = 1e-9


@dataclass(frozen=True)
class Charge:
    """Epsilon that one release of a period cost.

    Attributes:
        series: Which series of releases it was in, from 1.
        period: First day of the period, ISO 8601.
        year: Year whose budget pays.
        epsilon: How much.
        max_cells: Cells that one person counted in, at most.
        charged_at: When, UTC, ISO 8601.
    """

    series: int
    period: str
    year: int
    epsilon: float
    max_cells: int
    charged_at: str


@dataclass(frozen=True)
class BudgetAccount:
    """The account of a source, in the folder of its ledger."""

    ledger: Ledger

    @property
    def path(self) -> Path:
        """File of the charges."""
        return self.ledger.folder / "budget.json"

    def charges(self) -> list[Charge]:
        """Every charge there ever was.

        Raises:
            PrivacyError: nobody can tell, because the file cannot be read, or is not
                there although something was released.
        """
        if not self.path.exists():
            if self.ledger.editions():
                raise self._unreadable()
            return []
        try:
            told = json.loads(self.path.read_text("utf-8"))
            return [Charge(**entry) for entry in told]
        except (ValueError, TypeError) as error:
            raise self._unreadable() from error

    def spent(self) -> dict[int, float]:
        """What was spent of the budget of each year.

        Of invented data, which are about nobody, a new series has a new budget.
        """
        found: dict[int, float] = {}
        for charge in self.charges():
            if not self.ledger.invented or charge.series == self.ledger.series_number:
                found[charge.year] = found.get(charge.year, 0.0) + charge.epsilon
        return found

    def charge(
        self, periods: Sequence[date], policy: NoiseProtection, now: datetime
    ) -> None:
        """Pays for the release of some periods, before anything of them is drawn.

        Args:
            periods: First days.
            policy: What they cost, and what there is.
            now: The clock, UTC.

        Raises:
            PrivacyError: it would be more than the budget of a year; nothing is paid.
        """
        before = self.charges()
        paid = {(c.series, c.period, c.epsilon, c.max_cells) for c in before}
        fresh = [
            charge
            for period in periods
            if (
                (charge := self._of(period, policy, now)).series,
                charge.period,
                charge.epsilon,
                charge.max_cells,
            )
            not in paid
        ]
        spent = self.spent()
        for year in sorted({charge.year for charge in fresh}):
            asked = sum(charge.epsilon for charge in fresh if charge.year == year)
            self._check(year, spent.get(year, 0.0), asked, policy.budget.epsilon)
        if fresh:
            write_json(self.path, [asdict(charge) for charge in [*before, *fresh]])

    def _of(self, period: date, policy: NoiseProtection, now: datetime) -> Charge:
        return Charge(
            series=self.ledger.series_number,
            period=period.isoformat(),
            year=period.year,
            epsilon=policy.epsilon,
            max_cells=policy.max_cells,
            charged_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        )

    def _check(self, year: int, spent: float, asked: float, budget: float) -> None:
        if spent + asked <= budget + _NEAR:
            return
        msg = (
            f"{self.ledger.label}: the budget of {year} is {budget:g}, of which "
            f"{spent:g} is spent, and {asked:g} more is asked for; what is spent never "
            "comes back: begin later (`since`), or let the data protection officer "
            "raise the budget"
        )
        raise PrivacyError(msg)

    def _unreadable(self) -> PrivacyError:
        return PrivacyError(
            f"{self.ledger.label}: {self.path} cannot be read, so nobody knows what "
            "is spent of its budget; restore it from a backup"
        )

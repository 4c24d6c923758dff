"""Starts a collection as soon as a partner has deposited a complete file.

The sensor only looks: taking in, judging and answering are the collection's work, so
that a night without a daemon does the same.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from lrtzc_pipelines.deposits.depositors import work
from lrtzc_pipelines.deposits.forms import FORMS_DIR, load_forms
from lrtzc_pipelines.jobs import COLLECT, AssetJob, raw_keys
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.sources.protocols import DepositConnector
from lrtzc_pipelines.states import fingerprint

NAME = "deposits"
_SECONDS = 60


def build_deposit_sensors(
    platform: Platform, jobs: Iterable[AssetJob], forms_dir: Path = FORMS_DIR
) -> list[dg.SensorDefinition]:
    """The sensor that looks at the inboxes; none where no source has one.

    Args:
        platform: Where everything is.
        jobs: The jobs there are, the one that collects every source among them.
        forms_dir: Where the forms are declared.
    """
    fed = {
        spec.connector.form: spec.id
        for spec in platform.specs.values()
        if isinstance(spec.connector, DepositConnector)
    }
    if not fed:
        return []
    collection = next(job for job in jobs if job.name == COLLECT)
    forms = [form for name, form in load_forms(forms_dir).items() if name in fed]

    def look() -> dg.RunRequest | dg.SkipReason:
        layout, now = platform.layout, datetime.now(UTC)
        found = {form.id: work(layout, form, now.timestamp()) for form in forms}
        waiting = {name: listed for name, listed in found.items() if listed}
        if not waiting:
            return dg.SkipReason("no complete file in the inboxes")
        # The same work is asked for once an hour: what a crash or another run kept
        # from being done waits no longer, and what fails does not fill the history.
        return dg.RunRequest(
            run_key=fingerprint(waiting, f"{now:%Y-%m-%dT%H}"),
            asset_selection=raw_keys(fed[name] for name in waiting),
        )

    return [
        dg.SensorDefinition(
            name=NAME,
            evaluation_fn=lambda _: look(),
            job=collection,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=_SECONDS,
            description="Collects the deposits of partners when files are there.",
        )
    ]

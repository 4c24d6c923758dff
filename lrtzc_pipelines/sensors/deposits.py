"""Starts a collection as soon as a partner has deposited a complete file.

The sensor only looks: taking in, judging and answering are the collection's work, so
that a night without a daemon does the same.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from lrtzc_pipelines.deposits.forms import FORMS_DIR, Form, load_forms
from lrtzc_pipelines.deposits.intake import waiting
from lrtzc_pipelines.jobs import COLLECT, AssetJob, raw_keys
from lrtzc_pipelines.layout import Layout
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
    forms = {name: form for name, form in load_forms(forms_dir).items() if name in fed}

    def look() -> dg.RunRequest | dg.SkipReason:
        found = complete_files(platform.layout, forms, datetime.now(UTC))
        if not found:
            return dg.SkipReason("no complete file in the inboxes")
        # The same files ask once: what fails is tried again by the nightly run.
        return dg.RunRequest(
            run_key=fingerprint(found),
            asset_selection=raw_keys(fed[name] for name in found),
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


def complete_files(
    layout: Layout, forms: Mapping[str, Form], now: datetime
) -> dict[str, list[tuple[str, int, int]]]:
    """Name, size and time of change of the complete files, by form that has any."""
    found = {}
    for name, form in forms.items():
        files = []
        for path in waiting(layout.inbox(name), form, now.timestamp()):
            about = path.stat()
            files.append((path.name, about.st_size, about.st_ctime_ns))
        if files:
            found[name] = files
    return found

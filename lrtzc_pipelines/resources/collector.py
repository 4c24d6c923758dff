"""Collects the sources of a run, those of different hosts at the same time."""

from datetime import date
from functools import partial
from urllib.parse import urlsplit

import dagster as dg
from pydantic import PrivateAttr

from lrtzc_pipelines.collecting import Collected, collect
from lrtzc_pipelines.expectations.runner import warm_up
from lrtzc_pipelines.gathering import Errand, Gathering
from lrtzc_pipelines.raw_store import RawStore
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.sources.spec import SourceSpec

_WORTH_VALIDATING = 5_000_000


class Collector(dg.ConfigurableResource[None]):
    """What collects; the first raw asset of a run starts it for all of them.

    The steps of a run come one after the other in one process. Waiting for a service
    is no work, so all the hosts are asked at once and each step takes its own result.
    """

    platform: dg.ResourceDependency[Platform]
    progress: dg.ResourceDependency[Progress]
    _gatherings: dict[str, Gathering] = PrivateAttr(default_factory=dict)

    def collected(
        self, context: dg.AssetExecutionContext, spec: SourceSpec
    ) -> Collected:
        """What collecting a source brought; raises what it raised."""
        run_id = context.run.run_id
        if run_id not in self._gatherings:
            errands = {
                part.id: self._errand(part, run_id) for part in self._parts(context)
            }
            self._gatherings[run_id] = Gathering(errands)
        return self._gatherings[run_id].result(spec.id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - signature of the overridden method
        """Ends what a run that was cut short left under way."""
        for gathering in self._gatherings.values():
            gathering.close()
        self._gatherings.clear()

    def _parts(self, context: dg.AssetExecutionContext) -> list[SourceSpec]:
        """The sources of a run, or the day of them that it is about."""
        specs = [self.platform.specs[name] for name in _raw_sources(context)]
        if not context.has_partition_key:
            return specs
        day = date.fromisoformat(context.partition_key)
        return [spec.for_day(day) for spec in specs]

    def _errand(self, spec: SourceSpec, run_id: str) -> Errand:
        host = urlsplit(self.platform.endpoints[spec.endpoint].base_url).netloc
        return Errand(host, partial(self._collect, spec, run_id))

    def _collect(self, spec: SourceSpec, run_id: str) -> Collected:
        store = RawStore(self.platform.layout.raw(*spec.parts), spec.label)
        target = self.platform.target(spec)
        return collect(spec, target, store, run_id=run_id, progress=self._told)

    def _told(self, source_id: str, pages: int, received: int) -> None:
        """Passes progress on, and gets ready to validate once data flow."""
        self.progress.collecting(source_id, pages, received)
        if received > _WORTH_VALIDATING:
            warm_up()


def _raw_sources(context: dg.AssetExecutionContext) -> list[str]:
    """Ids of the sources whose raw assets this run brings up to date."""
    keys = context.job_def.asset_layer.executable_asset_keys
    return sorted(key.path[1] for key in keys if key.path[0] == "raw")

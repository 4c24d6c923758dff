"""Collects the sources of a run, those of different hosts at the same time."""

from datetime import date

import dagster as dg
from pydantic import PrivateAttr

from lrtzc_pipelines.collecting import Collected
from lrtzc_pipelines.errands import Errands
from lrtzc_pipelines.gathering import Gathering
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.sources.spec import SourceSpec


class Collector(dg.ConfigurableResource[None]):
    """What collects; the first raw asset of a run starts it for all of them.

    The steps of a run come one after the other in one process. Waiting for a service
    is no work, so all the hosts are asked at once and each step takes its own result.
    """

    platform: dg.ResourceDependency[Platform]
    progress: dg.ResourceDependency[Progress]
    _gatherings: dict[str, Gathering] = PrivateAttr(default_factory=dict)

    def collected(
        self, context: dg.AssetExecutionContext, part: SourceSpec
    ) -> Collected:
        """What collecting a source, or a day of it, brought; raises what it raised."""
        run_id = context.run.run_id
        if run_id not in self._gatherings:
            errands = Errands(
                self.platform.layout,
                self.platform.settings,
                self.platform.endpoints,
                self.progress.collecting,
            )
            self._gatherings[run_id] = Gathering(
                {
                    wanted.label: errands.make(wanted, run_id)
                    for wanted in self._parts(context)
                }
            )
        return self._gatherings[run_id].result(part.label)

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


class HandedOver:
    """Stands in for a collector where everything was collected before the run."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering

    def collected(
        self,
        context: dg.AssetExecutionContext,  # noqa: ARG002 - signature of `Collector`
        part: SourceSpec,
    ) -> Collected:
        """What collecting a source, or a day of it, brought; raises what it raised."""
        return self._gathering.result(part.label)


def _raw_sources(context: dg.AssetExecutionContext) -> list[str]:
    """Ids of the sources whose raw assets this run brings up to date."""
    keys = context.job_def.asset_layer.executable_asset_keys
    return sorted(key.path[1] for key in keys if key.path[0] == "raw")

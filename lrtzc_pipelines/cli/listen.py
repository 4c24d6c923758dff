"""`lrtzc listen`: a collector at work, until it is told to end."""

from __future__ import annotations

import logging
import signal
from typing import Annotated

import typer

from lrtzc_pipelines.cli.workspace import workspace

CollectorArgument = Annotated[str, typer.Argument(help="Collector id.")]


def listen(collector: CollectorArgument) -> None:
    """Write down what a broker publishes, until SIGTERM or Ctrl-C."""
    # Loaded here: the commands that do not listen need no MQTT.
    from lrtzc_pipelines.collectors.declared import load_collector  # noqa: PLC0415
    from lrtzc_pipelines.collectors.mqtt import listening  # noqa: PLC0415
    from lrtzc_pipelines.connectors.addresses import resolve  # noqa: PLC0415
    from lrtzc_pipelines.errors import SpecError  # noqa: PLC0415

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    place = workspace()
    chosen = load_collector(collector)
    endpoint = place.endpoints.get(chosen.endpoint)
    if endpoint is None:
        msg = f"collectors.yaml: {chosen.id}: unknown endpoint {chosen.endpoint!r}"
        raise SpecError(msg)
    target = resolve(endpoint, place.settings)
    with listening(chosen, target, place.layout) as listener:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, listener.stop)
        listener.run()
    typer.echo(f"{listener.written} messages written, {listener.refused} kept apart")

"""`lrtzc demo`: the sandbox, the real jobs against it, and where to look."""

from __future__ import annotations

from lrtzc_pipelines.cli.output import messages
from lrtzc_pipelines.cli.refresh import refresh, report
from lrtzc_pipelines.cli.workspace import Workspace
from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.deposits import write_inbox
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.uplinks import write_spool
from lrtzc_pipelines.sandbox.world import World

_COME_IN = {"spool", "deposit"}
"""Kinds of sources that nobody is asked for: what is there is read."""


def run_demo(
    place: Workspace, *, seed: int, as_json: bool, canaries: bool = False
) -> int:
    """Runs the sources that the sandbox plays; returns the exit code."""
    if not as_json:
        messages().print(
            f"Sandbox with invented data (seed {seed}); "
            f"everything goes to {place.layout.data_dir}",
            markup=False,
        )
    for leave in (write_spool, write_inbox, write_consents):
        leave(place.layout.data_dir, seed, canaries=canaries)
    with RunningSandbox(create_app(World(seed, canaries))) as base_url:
        overrides = endpoint_overrides(base_url)
        # A source whose service the sandbox does not play would be asked for real.
        chosen = [
            s.id
            for s in place.specs.values()
            if s.endpoint in overrides or s.connector.kind in _COME_IN
        ]
        environment = {
            f"LRTZC_ENDPOINT__{endpoint_id.upper()}": url
            for endpoint_id, url in overrides.items()
        }
        outcome = refresh(place.layout, chosen=chosen, environment=environment)
    report(outcome, place.layout, as_json=as_json)
    return int(outcome["exit"])

"""A whole platform in a folder of its own, driven as a person would: by its command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.deposits import write_inbox
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.uplinks import write_spool
from lrtzc_pipelines.sandbox.world import World

SEED = 7
LRTZC = Path(sys.executable).parent / "lrtzc"


@dataclass
class Platform:
    """One data directory and the environment its commands run in."""

    data_dir: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(LRTZC), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(LRTZC), *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


MakePlatform = Callable[..., Platform]


def clean_environment(data_dir: Path, overrides: dict[str, str]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LRTZC_", "DAGSTER_", "DBT_"))
    }
    endpoints = {
        f"LRTZC_ENDPOINT__{name.upper()}": url for name, url in overrides.items()
    }
    return {**inherited, **endpoints, "LRTZC_DATA_DIR": str(data_dir)}


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with RunningSandbox(create_app(World(seed=SEED))) as url:
        yield url


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, sandbox_url: str) -> Platform:
    data_dir = tmp_path_factory.mktemp("platform") / "data"
    # What nobody is asked for over HTTP.
    for leave in (write_consents, write_spool, write_inbox):
        leave(data_dir, SEED)
    return Platform(
        data_dir, clean_environment(data_dir, endpoint_overrides(sandbox_url))
    )

"""The dbt project as the rest of the package sees it.

Where it is, which version it is, and its parsed manifest, made on demand and kept per
version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.anonymize import ANONYMIZATION_VERSION
from lrtzc_pipelines.states import file_sha256, fingerprint

PROJECT_DIR = Path(__file__).parent.parent / "dbt_project"
MANIFEST = "manifest.json"
WAREHOUSE = "warehouse.duckdb"
INPUTS = "inputs"
_parsing = threading.Lock()
_READ_BY_DBT = {".sql", ".yml", ".yaml", ".csv", ".md"}


@cache
def project_sha256() -> str:
    """Hash of every file dbt reads."""
    files = sorted(
        path
        for path in PROJECT_DIR.rglob("*")
        if path.suffix in _READ_BY_DBT and path.is_file()
    )
    return fingerprint(
        [(p.relative_to(PROJECT_DIR).as_posix(), file_sha256(p)) for p in files]
    )


def code_version() -> str:
    """Version of all that turns anonymized files into a release."""
    digest = fingerprint(project_sha256(), ANONYMIZATION_VERSION)
    return f"{version('lrtzc-pipelines')}+{digest[:12]}"


def build_environment(layout: Layout, *, memory: str) -> dict[str, str]:
    """Variables that tell dbt where to build and what from.

    They name one fixed place, which each build points at its own folder: dbt parses
    every model again whenever a path in its profile changes.
    """
    return {
        "LRTZC_BUILD_PATH": os.fspath(layout.building_now / WAREHOUSE),
        "LRTZC_INPUTS_DIR": os.fspath(layout.building_now / INPUTS),
        "LRTZC_DUCKDB_MEMORY": memory,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def target_folder(layout: Layout) -> Path:
    """Where builds of the present models keep what dbt wants to find again."""
    return layout.dbt_target / f"{project_sha256()[:16]}-build"


def ensure_manifest(layout: Layout, *, memory: str) -> Path:
    """The manifest of the present models, parsed once per version of them.

    Raises:
        ReleaseError: the models do not parse; dbt's own words are in the message.
    """
    with _parsing:
        return _ensure_manifest(layout, memory)


def _ensure_manifest(layout: Layout, memory: str) -> Path:
    folder = layout.dbt_target / project_sha256()[:16]
    if (folder / MANIFEST).exists():
        return folder / MANIFEST
    layout.dbt_target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=layout.dbt_target) as name:
        target = Path(name) / "target"
        done = subprocess.run(  # noqa: S603 - our own interpreter and project
            [
                sys.executable,
                "-m",
                "dbt.cli.main",
                "parse",
                "--project-dir",
                str(PROJECT_DIR),
                "--profiles-dir",
                str(PROJECT_DIR),
                "--target-path",
                str(target),
                "--log-path",
                name,
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **build_environment(layout, memory=memory)},
        )
        if done.returncode:
            msg = f"the dbt models do not parse:\n{done.stdout[-2000:]}{done.stderr}"
            raise ReleaseError(msg)
        if not folder.exists():
            shutil.copytree(target, target_folder(layout), dirs_exist_ok=True)
            target.rename(folder)
    return folder / MANIFEST

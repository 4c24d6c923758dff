"""The checks of `lrtzc doctor` that look at the data directory.

None makes a folder or repairs anything: what is absent is told, and made by the
command that needs it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb
import yaml
from pydantic import ValidationError

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.cli.workspace import Workspace
from lrtzc_pipelines.instance import CONFIG
from lrtzc_pipelines.layout import PRIVATE_ZONE, Layout
from lrtzc_pipelines.publishing import release

Found = tuple[Literal["ok", "warn", "fail"], str]

PRIVATE = sorted(PRIVATE_ZONE - {"inbox"} | {"anonymized", "logs", "dagster"})
"""Folders below the data directory that only their owner may enter."""

GIGABYTE = 1_000_000_000
LOW_SPACE = 5 * GIGABYTE
NO_SPACE = GIGABYTE // 2


def data_directory(place: Workspace) -> Iterator[Found]:
    """Whether the data directory can be written."""
    folder = place.layout.data_dir
    if not folder.exists():
        parent = _existing(folder)
        can = os.access(parent, os.W_OK)
        yield (
            ("ok", f"{folder} will be made")
            if can
            else ("fail", f"{folder} cannot be made: {parent} is not writable")
        )
        return
    try:
        with tempfile.TemporaryFile(dir=folder):
            yield "ok", str(folder)
    except OSError as error:
        yield "fail", f"{folder} is not writable: {error.strerror}"


def free_space(place: Workspace) -> Iterator[Found]:
    """Whether a release and its build still fit on the disk."""
    free = shutil.disk_usage(_existing(place.layout.data_dir)).free
    state: Literal["ok", "warn", "fail"] = "ok"
    if free < LOW_SPACE:
        state = "fail" if free < NO_SPACE else "warn"
    yield state, f"{free / GIGABYTE:.1f} GB"


def private_folders(place: Workspace) -> Iterator[Found]:
    """Whether others can enter folders that may hold personal data."""
    folders = [place.layout.data_dir / name for name in PRIVATE]
    folders = [folder for folder in folders if folder.is_dir()]
    # Behind a closed door the modes inside only matter once the door is opened.
    inside = [path for folder in folders for path in folder.iterdir() if path.is_dir()]
    opened = [path for path in (*folders, *inside) if _mode(path) & 0o077]
    own = [path for path in opened if path in folders or path.parent in opened]
    for path in own:
        yield "fail", f"{path} has mode {_mode(path):o}: chmod 700 {path}"
    if not own:
        yield "ok", f"{len(folders)} closed to others" if folders else "none yet"


def retention(place: Workspace) -> Iterator[Found]:
    """Whether anything is kept longer than its source says."""
    from lrtzc_pipelines.retention import overdue  # noqa: PLC0415 - polars

    found = overdue(place.specs.values(), place.layout, datetime.now(UTC))
    if not found:
        yield "ok", "nothing is kept longer than its source says"
        return
    count = sum(entry.files for entry in found)
    sources = ", ".join(sorted({entry.source for entry in found}))
    yield (
        "warn",
        f"{count} files of {sources} are past their time: "
        "`lrtzc retention --purge` deletes them",
    )


def dbt_manifest(place: Workspace) -> Iterator[Found]:
    """Whether the dbt models are here, and were parsed as they are now."""
    if not (dbt_models.PROJECT_DIR / "dbt_project.yml").is_file():
        yield "fail", f"{dbt_models.PROJECT_DIR} holds no dbt project"
        return
    digest = dbt_models.project_sha256()[:16]
    path = place.layout.dbt_target / digest / dbt_models.MANIFEST
    if path.is_file():
        yield "ok", str(path)
    else:
        yield "warn", "models not parsed yet: `lrtzc prepare` does, or the next run"


def dagster_home(place: Workspace) -> Iterator[Found]:
    """Whether the embedded Dagster instance can be read, by its files alone."""
    home = place.layout.dagster_home
    config = home / CONFIG.name
    if not config.exists():
        yield "warn", f"{home} is not made yet: `lrtzc prepare` does, or the next run"
        return
    try:
        settings = yaml.safe_load(config.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        settings = None
    if not isinstance(settings, dict):
        yield "fail", f"{config} is not a YAML mapping: delete it, it is written again"
        return
    runs = home / "history" / "runs.db"
    count = _count_runs(runs) if runs.exists() else 0
    if count is None:
        yield "fail", f"{runs} cannot be read: move {home} away, it is made again"
        return
    own = "" if config.read_bytes() == CONFIG.read_bytes() else ", changed by hand"
    yield "ok", f"{home}: {count} runs{own}"


def _count_runs(path: Path) -> int | None:
    """Runs that a Dagster database holds; None if it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute("select count(*) from runs").fetchone()
    except sqlite3.Error:
        return None
    return int(row[0])


def current_release(place: Workspace) -> Iterator[Found]:
    """Whether what readers use is whole: manifest, tables and number of rows."""
    name = place.layout.current_release_id
    if name is None:
        yield "warn", "none yet: run `lrtzc demo` or `lrtzc refresh`"
        return
    folder = place.layout.releases / name
    try:
        text = (folder / release.MANIFEST).read_text("utf-8")
        manifest = release.ReleaseManifest.model_validate_json(text)
        release.check_candidate(folder, manifest)
    except FileNotFoundError as error:
        yield "fail", f"{name}: {error.filename} is missing"
    except (ValidationError, UnicodeDecodeError):
        yield "fail", f"{name}: {release.MANIFEST} cannot be read"
    except duckdb.Error as error:
        yield "fail", f"{name}: {str(error).splitlines()[0]}"
    else:
        yield "ok", f"{name}: {len(manifest.tables)} tables, {manifest.origin}"


def leftovers(place: Workspace) -> Iterator[Found]:
    """What runs that were killed left behind."""
    layout = place.layout
    found = [*layout.releases.glob(".building-*"), *layout.releases.glob(".current-*")]
    if layout.build.is_dir():
        found += [path for path in layout.build.iterdir() if path.is_dir()]
    if found and _holder(layout) is None:
        names = ", ".join(path.name for path in found)
        yield "warn", f"{names}: left by a killed run; the next one removes them"
    else:
        yield "ok", "none"


def refresh_lock(place: Workspace) -> Iterator[Found]:
    """Whether a command that writes is under way."""
    holder = _holder(place.layout)
    yield ("ok", "none under way") if holder is None else ("warn", f"by {holder}")


def _holder(layout: Layout) -> str | None:
    """Who holds the lock of local runs; None if nobody does."""
    path = layout.data_dir / "locks" / "refresh.lock"
    try:
        with path.open("r") as file:
            try:
                # Shared: two doctors do not disturb each other.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"process {file.read().strip() or 'unknown'}"
    except FileNotFoundError:
        return None
    return None


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return path if path.exists() else _existing(path.parent)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)

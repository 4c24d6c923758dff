"""Releases: built aside, checked, flushed, and switched to in one rename.

`releases/<id>/` is never changed once it is published; `releases/current` is a link
that is replaced whole. A reader that opened a release keeps it, and one that comes
meanwhile gets the old or the new, never a mixture. A release id is never used twice,
so DuckDB cannot meet the log of one file beside another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.inputs import ABSENT, ReleaseInput
from lrtzc_pipelines.publishing.warehouse import FILE
from lrtzc_pipelines.states import file_sha256, fingerprint
from lrtzc_pipelines.storage import (
    locked,
    read_json,
    sync_directory,
    sync_file,
    write_json,
)

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
ROLLED_BACK = "rolled_back.json"
PUBLIC_DIR_MODE = 0o755
PUBLIC_FILE_MODE = 0o444


class ReleaseManifest(BaseModel):
    """What a release is and what it is made of.

    Attributes:
        created_at: UTC, ISO 8601.
        code_version: Version of the package and of its models.
        inputs_sha256: One hash over inputs and code: equal means nothing to publish.
        origin: `live`, `sandbox`, `replay`, or `mixed`.
        tables: Rows per table.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    release_id: str
    created_at: str
    code_version: str
    inputs_sha256: str
    origin: str
    run_id: str
    inputs: dict[str, ReleaseInput]
    tables: dict[str, int]


def inputs_sha256(inputs: Mapping[str, ReleaseInput], code_version: str) -> str:
    """One hash over everything a release depends on."""
    contents = {name: (i.content_sha256, i.origin) for name, i in inputs.items()}
    return fingerprint(contents, code_version)


def origin_of(inputs: Mapping[str, ReleaseInput]) -> str:
    """What the data of a release are, absent sources aside."""
    origins = {item.origin for item in inputs.values()} - {ABSENT}
    if len(origins) > 1:
        return "mixed"
    return origins.pop() if origins else ABSENT


def new_release_id(moment: datetime, digest: str) -> str:
    """A sortable name, unique to the second and the content."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{digest[:8]}"


def read_manifest(folder: Path) -> ReleaseManifest | None:
    """The manifest of a release folder; None if it has none that can be read."""
    if not (folder / MANIFEST).exists():
        return None
    try:
        return ReleaseManifest.model_validate(read_json(folder / MANIFEST))
    except ValidationError:
        return None


def list_releases(layout: Layout) -> list[ReleaseManifest]:
    """Published releases, newest first."""
    if not layout.releases.is_dir():
        return []
    folders = [
        path
        for path in layout.releases.iterdir()
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
    ]
    manifests = [read_manifest(path) for path in folders]
    found = [manifest for manifest in manifests if manifest]
    return sorted(found, key=lambda manifest: manifest.release_id, reverse=True)


def current_folder(layout: Layout) -> Path:
    """Folder of the release that readers use.

    Raises:
        ReleaseError: nothing was published yet.
    """
    name = layout.current_release_id
    if name is None:
        msg = "no release yet: run `lrtzc demo` or `lrtzc refresh` first"
        raise ReleaseError(msg)
    return layout.releases / name


def is_up_to_date(
    layout: Layout, inputs: Mapping[str, ReleaseInput], code_version: str
) -> bool:
    """Whether the newest release is made of exactly these inputs and this code.

    The newest must also be the current one, or have been rolled back from: data that
    someone turned away from must not come back by themselves the next night.
    """
    releases = list_releases(layout)
    if not releases:
        return False
    newest = releases[0]
    served = newest.release_id in {layout.current_release_id, _turned_away(layout)}
    return served and newest.inputs_sha256 == inputs_sha256(inputs, code_version)


def _turned_away(layout: Layout) -> str | None:
    """The release that was the newest when someone last rolled back."""
    found = read_json(layout.releases / ROLLED_BACK)
    return found.get("newest") if isinstance(found, dict) else None


def candidate_folder(layout: Layout, run_id: str) -> Path:
    """Where the release of a run is put together before it is published."""
    return layout.releases / f".building-{run_id}"


def check_candidate(folder: Path, manifest: ReleaseManifest) -> None:
    """Reads the finished warehouse again, as a stranger would.

    Raises:
        ReleaseError: a write-ahead log is left, the file does not open read-only, or
            its counts differ from the manifest.
    """
    if (folder / f"{FILE}.wal").exists():
        msg = f"{manifest.release_id}: the warehouse was not closed (a log is left)"
        raise ReleaseError(msg)
    with duckdb.connect(folder / FILE, read_only=True) as con:
        for table, expected in manifest.tables.items():
            row = con.execute(f'select count(*) from main."{table}"').fetchone()  # noqa: S608 - names from our manifest
            if row is None or row[0] != expected:
                msg = f"{manifest.release_id}: {table} does not hold {expected} rows"
                raise ReleaseError(msg)
    for table, expected in manifest.tables.items():
        path = folder / "parquet" / f"{table}.parquet"
        row = duckdb.execute(
            "select count(*) from read_parquet(?)", [str(path)]
        ).fetchone()
        if row is None or row[0] != expected:
            msg = f"{manifest.release_id}: {path.name} does not hold {expected} rows"
            raise ReleaseError(msg)


def publish(layout: Layout, run_id: str, *, keep: int) -> ReleaseManifest:
    """Makes the candidate of a run the current release, in one rename.

    Args:
        layout: Where releases are.
        run_id: Run whose candidate is complete.
        keep: Releases to keep, this one included.

    Raises:
        ReleaseError: the candidate is absent or does not check.
        Busy: another publication or rollback is under way.
    """
    folder = candidate_folder(layout, run_id)
    manifest = read_manifest(folder)
    if manifest is None:
        msg = f"run {run_id} has no complete candidate to publish"
        raise ReleaseError(msg)
    check_candidate(folder, manifest)
    _seal(folder)
    with locked(layout.lock("publish"), "a publication"):
        final = layout.releases / manifest.release_id
        folder.rename(final)
        sync_directory(layout.releases)
        _switch(layout, manifest.release_id)
        _prune(layout, keep)
    return manifest


def rollback(layout: Layout, release_id: str | None = None) -> ReleaseManifest:
    """Makes an earlier release the current one.

    Args:
        layout: Where releases are.
        release_id: Which; by default the newest one older than the current.

    Raises:
        ReleaseError: there is no such release, or none older.
    """
    with locked(layout.lock("publish"), "a publication"):
        current = layout.current_release_id
        releases = list_releases(layout)
        if release_id is None:
            older = [r for r in releases if current and r.release_id < current]
            if not older:
                msg = "no release is older than the current one"
                raise ReleaseError(msg)
            chosen = older[0]
        else:
            named = [r for r in releases if r.release_id == release_id]
            if not named:
                known = ", ".join(r.release_id for r in releases) or "none"
                msg = f"no release {release_id!r} (there are: {known})"
                raise ReleaseError(msg)
            chosen = named[0]
        verify(layout.releases / chosen.release_id)
        write_json(
            layout.releases / ROLLED_BACK,
            {"newest": releases[0].release_id, "at": created_now()},
        )
        _switch(layout, chosen.release_id)
    return chosen


def verify(folder: Path) -> None:
    """Raises ReleaseError unless every file of a release has its checksum."""
    if not (folder / CHECKSUMS).exists():
        msg = f"{folder.name}: no such release, or its {CHECKSUMS} is missing"
        raise ReleaseError(msg)
    for line in (folder / CHECKSUMS).read_text("utf-8").splitlines():
        expected, _, name = line.partition("  ")
        if not (folder / name).exists() or file_sha256(folder / name) != expected:
            msg = f"{folder.name}: {name} is missing or damaged"
            raise ReleaseError(msg)


def write_manifest(folder: Path, manifest: ReleaseManifest) -> None:
    """Writes the manifest of a candidate."""
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"), mode=0o644)


def sweep(layout: Layout, keep: Mapping[str, Any] | set[str]) -> list[Path]:
    """Removes what runs that ended left behind; returns what was removed.

    Args:
        layout: Where builds and candidates are.
        keep: Ids of runs that are still going.
    """
    leftovers = []
    if layout.build.is_dir():
        leftovers += [p for p in layout.build.iterdir() if p.name not in keep]
    if layout.releases.is_dir():
        leftovers += [
            p
            for p in layout.releases.glob(".building-*")
            if p.name.removeprefix(".building-") not in keep
        ]
        leftovers += list(layout.releases.glob(".current-*"))
    for path in leftovers:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return leftovers


def _seal(folder: Path) -> None:
    """Checksums every file, makes all of them read-only and durable."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CHECKSUMS)
    lines = [f"{file_sha256(p)}  {p.relative_to(folder).as_posix()}" for p in files]
    sums = folder / CHECKSUMS
    sums.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for path in [*files, sums]:
        path.chmod(PUBLIC_FILE_MODE)
        sync_file(path)
    for path in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
        path.chmod(PUBLIC_DIR_MODE)
        sync_directory(path)


def _switch(layout: Layout, release_id: str) -> None:
    temporary = layout.releases / f".current-{release_id}-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(release_id, target_is_directory=True)
    temporary.replace(layout.current_release)
    sync_directory(layout.releases)


def _prune(layout: Layout, keep: int) -> None:
    current = layout.current_release_id
    for manifest in list_releases(layout)[keep:]:
        if manifest.release_id != current:
            doomed = layout.releases / manifest.release_id
            # Out of sight first: a reader lists whole releases or none.
            hidden = doomed.rename(doomed.with_name(f".building-{doomed.name}"))
            shutil.rmtree(hidden, ignore_errors=True)


def created_now() -> str:
    """The present moment as manifests write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")

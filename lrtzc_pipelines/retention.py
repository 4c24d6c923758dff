"""The retention clock: what is older than its source says is deleted, and recorded.

Bytes, rows and refused rows about persons go with their time, whatever was made of
them; of other sources the newest snapshot stays, since the current data come from it.
Nothing that goes leads to an error: what is not there is collected again, or never
looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lrtzc_pipelines.layout import Layout, SeenLayout
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.pseudonyms import destroy_keys, period_of
from lrtzc_pipelines.quarantine import FILE as QUARANTINED
from lrtzc_pipelines.raw_store import RawStore, Snapshot
from lrtzc_pipelines.slicing import slices
from lrtzc_pipelines.sources.protocols import DepositConnector, SpoolConnector
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, STATE, ValidatedState, read_state
from lrtzc_pipelines.storage import append_lines, read_json

_STAMP = "%Y%m%dT%H%M%S"
_STAMP_LENGTH = len("20260301T083000")


@dataclass(frozen=True)
class Purged:
    """What went of one layer of a source, or would go.

    Attributes:
        layer: Folder of the data directory that it was in.
        part: The source, with the day of a slice.
        files: Files that went.
        bytes: Bytes on the disk.
        before: What is older than this moment went, ISO 8601.
    """

    source: str
    part: str
    layer: str
    files: int
    bytes: int
    before: str


def purge(
    specs: Iterable[SourceSpec], layout: Layout, now: datetime, *, dry_run: bool
) -> list[Purged]:
    """Deletes what is past its time and writes down what went; what that was.

    A source that is being collected is waited for, unless this only looks. Killed in
    between, it goes on the next time.

    Args:
        specs: Sources.
        layout: Where their data are.
        now: The clock, UTC.
        dry_run: Only say what would go.
    """
    found: list[Purged] = []
    for spec in specs:
        before = now - timedelta(days=spec.raw_retention_days)
        for part in slices(spec, layout):
            found += _part(part, layout, before, dry_run=dry_run)
        found += _handed_over(spec, layout, before, dry_run=dry_run)
        found += _pseudonymised(spec, layout, before, dry_run=dry_run)
    if found and not dry_run:
        lines = [
            json.dumps({"purged_at": now.isoformat(timespec="seconds")} | asdict(entry))
            for entry in found
        ]
        append_lines(layout.purges, lines)
    return found


def overdue(specs: Iterable[SourceSpec], layout: Layout, now: datetime) -> list[Purged]:
    """What `purge` would delete; nothing is made, and nobody is waited for."""
    return purge(specs, SeenLayout(layout.data_dir), now, dry_run=True)


def is_personal(spec: SourceSpec) -> bool:
    """Whether any column of a source may be about a person."""
    return any(column.is_personal for column in spec.columns)


def _part(
    part: SourceSpec, layout: Layout, before: datetime, *, dry_run: bool
) -> Iterator[Purged]:
    personal = is_personal(part)

    def entry(layer: str, paths: list[Path]) -> Iterator[Purged]:
        return _deleted(part, layer, paths, before, dry_run=dry_run)

    store = RawStore(layout.raw(*part.parts))
    with nullcontext() if dry_run else store.exclusive():
        loose = _loose(part, store, before, dry_run=dry_run)
        yield from entry("raw", loose)
    if not personal:
        return
    validated = layout.validated(*part.parts)
    state = read_state(ValidatedState, validated)
    if state and datetime.fromisoformat(state.collected_at) < before:
        yield from entry("validated", [validated / STATE, validated / DATA])
    quarantined = layout.quarantine(*part.parts) / QUARANTINED
    yield from entry("quarantine", _older([quarantined], before))
    if part.protection and not dry_run:
        for origin in layout.ledger_origins():
            Ledger(layout.ledger(origin, *part.parts), part.label).forget(before)


def _loose(
    part: SourceSpec, store: RawStore, before: datetime, *, dry_run: bool
) -> list[Path]:
    """Files of a raw folder that no kept snapshot needs; the list no longer has them.

    The list is shortened before any file goes: a snapshot that can be read is whole.
    """
    snapshots = store.all()
    kept = [s for s in snapshots if _collected(s) >= before]
    if not kept and snapshots and not is_personal(part):
        kept = snapshots[-1:]
    if len(kept) < len(snapshots) and not dry_run:
        store.keep(kept, before)
    needed = {page.sha256 for snapshot in kept for page in snapshot.pages}
    blobs = store.folder.glob("blobs/*/*")
    loose = [path for path in blobs if path.name.partition(".")[0] not in needed]
    return _older([*loose, *store.folder.glob("refused/*")], before)


def _collected(snapshot: Snapshot) -> datetime:
    return datetime.fromisoformat(snapshot.collected_at)


def _handed_over(
    spec: SourceSpec, layout: Layout, before: datetime, *, dry_run: bool
) -> Iterator[Purged]:
    """Files that partners deposited, and messages that were spooled."""
    match spec.connector:
        case SpoolConnector() as connector:
            sealed = layout.spool(connector.collector).glob("*.jsonl")
            stamped = [path for path in sealed if _stamped(path, before)]
            refused = layout.spool(connector.collector).glob("refused/*")
            paths = [*stamped, *_older(refused, before)]
            yield from _deleted(spec, "spool", paths, before, dry_run=dry_run)
        case DepositConnector() as connector:
            for depositor in layout.depositors(connector.form):
                folder = layout.deposits(connector.form, depositor)
                paths = _deposited(folder, before)
                yield from _deleted(spec, "deposits", paths, before, dry_run=dry_run)
        case _:
            return


def _deposited(folder: Path, before: datetime) -> list[Path]:
    """Deposits past their time, receipts first: without one no file is looked for."""
    receipts = sorted(folder.glob("receipts/*.json"))
    old = [path for path in receipts if _stamped(path, before)]
    told = [read_json(path) for path in receipts if path not in old]
    # Equal tables are kept once, whoever deposited them again.
    needed = {receipt.get("content_sha256") for receipt in told if receipt}
    files = [path for path in folder.glob("*Z-*") if _stamped(path, before)]
    contents = [p for p in folder.glob("contents/*") if p.stem not in needed]
    return [*old, *files, *_older(contents, before)]


def _pseudonymised(
    spec: SourceSpec, layout: Layout, before: datetime, *, dry_run: bool
) -> Iterator[Purged]:
    """Extracts of periods that are over, and the keys of their pseudonyms."""
    policy = spec.pseudonymised
    if policy is None:
        return
    first = period_of(before.date(), policy.rotation)
    paths = [
        path
        for path in layout.pseudonymised(spec.id).glob("*.parquet")
        if path.stem < first
    ]
    yield from _deleted(spec, "pseudonymised", paths, before, dry_run=dry_run)
    if not dry_run:
        destroy_keys(layout.salts, policy.domain, spec.id, first)


def _stamped(path: Path, before: datetime) -> bool:
    """Whether a file is older, by the moment that its name begins with."""
    try:
        moment = datetime.strptime(path.name[:_STAMP_LENGTH], _STAMP)  # noqa: DTZ007 - UTC, set at once
    except ValueError:
        return False
    return moment.replace(tzinfo=UTC) < before


def _older(paths: Iterable[Path], before: datetime) -> list[Path]:
    def is_old(path: Path) -> bool:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) < before

    return [path for path in paths if path.is_file() and is_old(path)]


def _deleted(
    part: SourceSpec,
    layer: str,
    paths: list[Path],
    before: datetime,
    *,
    dry_run: bool,
) -> Iterator[Purged]:
    there = [path for path in paths if path.exists()]
    if not there:
        return
    total = sum(path.stat().st_size for path in there)
    if not dry_run:
        for path in there:
            path.unlink()
    stamp = before.isoformat(timespec="seconds")
    yield Purged(part.id, part.label, layer, len(there), total, stamp)

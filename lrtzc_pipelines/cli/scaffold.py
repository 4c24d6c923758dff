"""`lrtzc sources new`: every file of a new source at once, or none.

What is written loads, and its test case passes; what it means is for a person to
review. Where it is collected from is settled in `scaffold_address`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lrtzc_pipelines.cli.scaffold_address import Address, settle_address
from lrtzc_pipelines.cli.scaffold_columns import Draft, draft_columns
from lrtzc_pipelines.cli.scaffold_files import (
    invented_answer,
    spec_text,
    suite_text,
)
from lrtzc_pipelines.cli.scaffold_sample import Kind, Sample, read_sample
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.casefile import (
    EXPECTED,
    Expected,
    expected_text,
    run_case,
)
from lrtzc_pipelines.sources.checking import PLACEHOLDER
from lrtzc_pipelines.sources.checkout import Checkout
from lrtzc_pipelines.sources.dbt_sources import (
    SOURCES_FILE,
    render_sources,
    staging_files,
    to_yaml,
)
from lrtzc_pipelines.sources.registry import (
    explain,
    load_endpoints,
    load_sources,
)
from lrtzc_pipelines.sources.spec import ID_PATTERN, SourceSpec
from lrtzc_pipelines.storage import write_bytes

PUBLIC_FILE_MODE = 0o644
SHOWS = "Invented rows: a plain one, one with blanks, and one that cannot be read."
_PLACEHOLDER_SAMPLE = b"id;libelle;valeur\n1;essai;1,5\n2;essai;2,5\n"


@dataclass(frozen=True)
class Order:
    """What a person asked for.

    Attributes:
        sample: A file of the source, to learn its columns from.
        url: Where the file is.
        endpoint: Id of the endpoint, declared or new.
        released: Whether the table goes into the release as it is.
        key: Columns of the primary key; by default found in the sample.
        keep: Columns to publish although they look personal or free.
    """

    id: str
    title: str | None = None
    sample: Path | None = None
    url: str | None = None
    endpoint: str | None = None
    kind: Kind | None = None
    released: bool = True
    key: Sequence[str] = ()
    keep: Sequence[str] = ()


@dataclass(frozen=True)
class Scaffold:
    """A new source that is ready to be written.

    Attributes:
        spec: The source.
        drafts: Its columns, and why each is kept or dropped.
        files: Content of every file to write, by path; those in `changed` exist.
        changed: Files that are shared with other sources.
    """

    spec: SourceSpec
    drafts: tuple[Draft, ...]
    files: dict[Path, bytes]
    changed: frozenset[Path]

    def write(self) -> None:
        """Writes every file; takes the new ones away again if one cannot be."""
        before = {path: path.read_bytes() for path in self.changed}
        try:
            for path, content in self.files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, content, mode=PUBLIC_FILE_MODE)
        except OSError:
            for path in set(self.files) - self.changed:
                path.unlink(missing_ok=True)
                with suppress(OSError):
                    # Only a folder that is empty now, as a new one is.
                    path.parent.rmdir()
            for path, content in before.items():
                write_bytes(path, content, mode=PUBLIC_FILE_MODE)
            raise


def plan(checkout: Checkout, order: Order) -> Scaffold:
    """Everything a new source needs; nothing is written yet.

    Raises:
        SpecError: the order cannot be followed; the message says what to change.
        ParseError: the sample cannot be read.
    """
    _check_order(checkout, order)
    endpoints = load_endpoints(checkout.sources)
    kind = order.kind or _kind(order)
    address = settle_address(
        order.id, endpoints, url=order.url, endpoint_id=order.endpoint, suffix=kind
    )
    sample = _sample(order, kind)
    drafts, key = draft_columns(sample, key=order.key, keep=order.keep)
    if all(draft.column.privacy == "drop" for draft in drafts):
        msg = (
            "every column looks personal or free, so there would be no table: say "
            "which one may be published with --keep COLUMN"
        )
        raise SpecError(msg)
    fields = _fields(order, address, sample, key)
    spec = _spec(checkout, fields, drafts)
    own = {checkout.spec(spec.id): spec_text(fields, drafts).encode()}
    own |= {checkout.suite(spec.id): suite_text(spec.id).encode()}
    own |= _case_files(checkout, spec, suite_text(spec.id))
    for path, text in staging_files(spec, released=order.released).items():
        own[checkout.staging / path] = text.encode()
    _refuse_existing(own)
    shared = _shared_files(checkout, spec, address)
    return Scaffold(spec, tuple(drafts), own | shared, frozenset(shared))


def _check_order(checkout: Checkout, order: Order) -> None:
    if not ID_PATTERN.fullmatch(order.id):
        msg = (
            f"id {order.id!r}: expected <producer>_<dataset> in small letters, "
            "digits and underscores"
        )
        raise SpecError(msg)
    if not checkout.is_complete:
        msg = (
            "a source is started in a clone of the project: here is no folder "
            f"{checkout.cases} or {checkout.staging}"
        )
        raise SpecError(msg)
    if checkout.spec(order.id).exists():
        msg = f"already exists: {checkout.spec(order.id)}; nothing was written"
        raise SpecError(msg)


def _kind(order: Order) -> Kind:
    """The format that the sample's or the address's ending suggests."""
    name = str(order.sample or order.url or "").lower()
    return "geojson" if name.endswith((".geojson", ".json")) else "csv"


def _sample(order: Order, kind: Kind) -> Sample:
    if order.sample:
        return read_sample(order.sample.read_bytes(), order.sample.name, kind)
    if kind == "geojson":
        msg = "give a sample with --from-file: the columns of GeoJSON come from it"
        raise SpecError(msg)
    return read_sample(_PLACEHOLDER_SAMPLE, "placeholder", kind)


def _fields(
    order: Order, address: Address, sample: Sample, key: Sequence[str]
) -> dict[str, Any]:
    """The specification without its columns."""
    query = {"query": address.query} if address.query else {}
    return {
        "id": order.id,
        "title": order.title or f"{PLACEHOLDER} : {order.id.replace('_', ' ')}",
        "description": f"{PLACEHOLDER} : ce que sont ces données et leurs limites.",
        "producer": f"{PLACEHOLDER} : producteur",
        "homepage": address.homepage,
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 10,
        "theme": "catalogue",
        "owner": "team:donnees",
        "endpoint": address.endpoint.id,
        "connector": {"kind": "http_file", "path": address.path, **query},
        "format": sample.format.model_dump(exclude_none=True),
        "cadence": "monthly",
        "primary_key": list(key),
        "freshness_days": 45,
        "raw_retention_days": 400,
    }


def _spec(
    checkout: Checkout, fields: dict[str, Any], drafts: Sequence[Draft]
) -> SourceSpec:
    data = {**fields, "columns": [d.column.model_dump() for d in drafts]}
    try:
        return SourceSpec.model_validate(data)
    except ValidationError as error:
        raise explain(checkout.spec(fields["id"]), data, error) from None


def _case_files(checkout: Checkout, spec: SourceSpec, suite: str) -> dict[Path, bytes]:
    """The invented answer, and what the platform makes of it."""
    name = f"response.{spec.format.kind}"
    answer = invented_answer(spec)
    with tempfile.TemporaryDirectory(prefix="lrtzc-case-") as folder:
        case = Path(folder) / "case"
        case.mkdir()
        (case / name).write_bytes(answer)
        result = run_case(
            spec,
            Suite.model_validate_json(suite),
            case,
            Layout(Path(folder) / "data"),
        )
    target = checkout.case(spec.id)
    golden = Expected(shows=SHOWS, **asdict(result))
    return {
        target / name: answer,
        target / EXPECTED: expected_text(golden).encode(),
    }


def _shared_files(
    checkout: Checkout, spec: SourceSpec, address: Address
) -> dict[Path, bytes]:
    """The source list, and the endpoint file if the endpoint is new."""
    specs = load_sources(checkout.sources) | {spec.id: spec}
    shared = {checkout.staging / SOURCES_FILE: render_sources(specs).encode()}
    if address.is_new:
        text = checkout.endpoints.read_text("utf-8").rstrip("\n")
        entry = address.endpoint.model_dump(exclude={"id"}, exclude_defaults=True)
        entry["requests_per_second"] = int(entry["requests_per_second"])
        added = to_yaml({address.endpoint.id: entry})
        shared[checkout.endpoints] = f"{text}\n{added}".encode()
    return shared


def _refuse_existing(files: dict[Path, bytes]) -> None:
    existing = [str(path) for path in files if path.exists()]
    if existing:
        msg = f"already exists: {', '.join(existing)}; nothing was written"
        raise SpecError(msg)

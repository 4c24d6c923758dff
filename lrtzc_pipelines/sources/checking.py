"""Checks the files of the sources against each other, without collecting anything.

Each mistake becomes a finding that names source and file, so that one run tells all
of them; loading, which stops at the first, is `registry`'s work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lrtzc_pipelines.errors import LrtzcError, SpecError
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.sources.casefile import answers, load_expected
from lrtzc_pipelines.sources.checkout import Checkout
from lrtzc_pipelines.sources.dbt_sources import (
    COMMAND,
    SOURCES_FILE,
    generated_files,
    is_released,
    stale_files,
)
from lrtzc_pipelines.sources.links import link_problems
from lrtzc_pipelines.sources.registers import absent_registers, register_problems
from lrtzc_pipelines.sources.registry import load_endpoints, load_source
from lrtzc_pipelines.sources.spec import Endpoint, SourceSpec, Tier

PLACEHOLDER = "À compléter"
"""What a scaffold writes where a person has to say something."""

ALL = "(all)"
"""Source named by a finding about files that sources share."""


@dataclass(frozen=True)
class Finding:
    """One thing found: `ok`, `review` (works, unfinished) or `fail`."""

    source: str
    state: Literal["ok", "review", "fail"]
    file: str
    detail: str


def check_sources(
    checkout: Checkout, chosen: Collection[str] = ()
) -> list[dict[str, str]]:
    """What is right and wrong with the sources' files, one entry per finding.

    Args:
        checkout: Where the files are.
        chosen: Sources to look at; by default all of them, and files without one.

    Raises:
        SpecError: a chosen source has no specification.
    """
    ids = _known_ids(checkout)
    unknown = sorted(set(chosen) - set(ids))
    if unknown:
        msg = f"unknown source: {', '.join(unknown)} (known: {', '.join(ids)})"
        raise SpecError(msg)
    endpoints, findings = _endpoints(checkout)
    specs: dict[str, SourceSpec] = {}
    for source_id in ids:
        about = list(_check_source(checkout, source_id, endpoints, specs))
        if not chosen or source_id in chosen:
            findings += about
    if len(specs) == len(ids):
        findings += [
            Finding(source_id, "fail", checkout.spec(source_id).name, problem)
            for source_id, problem in link_problems(specs)
            if source_id in (chosen or ids)
        ]
        findings += _check_registers(checkout, specs, chosen or ids)
    if len(specs) == len(ids) and checkout.is_own:
        findings += [
            finding
            for finding in _check_generated(checkout, specs)
            if not chosen or finding.source in {*chosen, ALL}
        ]
    if not chosen and checkout.is_own:
        findings += _check_orphans(checkout, ids)
    return [asdict(f) for f in _with_ok(findings, specs, chosen)]


def write_generated(checkout: Checkout, specs: Mapping[str, SourceSpec]) -> list[Path]:
    """Rewrites the dbt files that no longer follow the specifications."""
    files = generated_files(checkout.staging, specs)
    stale = stale_files(checkout.staging, specs)
    for path in stale:
        path.write_text(files[path], "utf-8")
    return stale


def _known_ids(checkout: Checkout) -> list[str]:
    paths = sorted(checkout.sources.glob("*.yaml"))
    return [path.stem for path in paths if path != checkout.endpoints]


def _endpoints(checkout: Checkout) -> tuple[Mapping[str, Endpoint], list[Finding]]:
    try:
        return load_endpoints(checkout.sources), []
    except (SpecError, OSError) as error:
        return {}, _failures(ALL, checkout.endpoints.name, error)


def _failures(source_id: str, file: str, error: Exception) -> list[Finding]:
    """One finding per line of a message, the file's name taken off its front."""
    return [
        Finding(source_id, "fail", file, line.removeprefix(f"{file}: "))
        for line in str(error).splitlines()
        if line.strip()
    ]


def _check_source(
    checkout: Checkout,
    source_id: str,
    endpoints: Mapping[str, Endpoint],
    specs: dict[str, SourceSpec],
) -> Iterator[Finding]:
    """Findings about one source, which joins `specs` if it loads."""
    path = checkout.spec(source_id)
    try:
        spec = specs[source_id] = load_source(path)
    except LrtzcError as error:
        yield from _failures(source_id, path.name, error)
        return
    for problem in _spec_problems(spec, endpoints):
        yield Finding(source_id, "fail", path.name, problem)
    if PLACEHOLDER in path.read_text("utf-8"):
        text = f"texts that say {PLACEHOLDER!r} are to be written"
        yield Finding(source_id, "review", path.name, text)
    if spec.processing is None and any(c.is_personal for c in spec.columns):
        text = "columns do not leave as they are: say why and whose under processing"
        yield Finding(source_id, "review", path.name, text)
    yield from _attempt(
        source_id,
        checkout.suite(source_id).name,
        lambda: load_suite(spec, checkout.suites),
    )
    if checkout.is_complete:
        case = checkout.case(source_id)
        yield from _attempt(
            source_id, f"{case.name}/expected.json", lambda: load_expected(case)
        )
        if case.is_dir() and not answers(case):
            text = "the test case has no response file"
            yield Finding(source_id, "fail", f"{case.name}/", text)


def _attempt(
    source_id: str, file: str, load: Callable[[], object]
) -> Iterator[Finding]:
    try:
        load()
    except LrtzcError as error:
        yield from _failures(source_id, file, error)


def _spec_problems(
    spec: SourceSpec, endpoints: Mapping[str, Endpoint]
) -> Iterator[str]:
    """What a specification that loads says that cannot work."""
    if endpoints and spec.endpoint not in endpoints:
        yield f"endpoint: {spec.endpoint!r} is not declared"
    if not spec.published_columns:
        yield "columns: all are dropped; keep at least one, or there is no table"


def _check_registers(
    checkout: Checkout, specs: Mapping[str, SourceSpec], about: Collection[str]
) -> list[Finding]:
    """Findings about the registers that protected sources are set against."""
    found = []
    for source_id in about:
        problems = [*register_problems(specs[source_id], specs)]
        if checkout.is_own:
            problems += absent_registers(specs[source_id], specs)
        name = checkout.spec(source_id).name
        found += [
            Finding(source_id, "fail", name, f"protection: {p}") for p in problems
        ]
    return found


def _check_generated(
    checkout: Checkout, specs: Mapping[str, SourceSpec]
) -> Iterator[Finding]:
    """Findings about the dbt files made from the specifications."""
    if not checkout.staging.is_dir():
        return
    try:
        stale = stale_files(checkout.staging, specs)
        released = {s for s in specs if is_released(checkout.staging, s)}
    except SpecError as error:
        yield from _failures(ALL, str(error).partition(":")[0], error)
        return
    for path in stale:
        source_id = ALL if path.name == SOURCES_FILE else path.parent.name
        text = f"does not follow the specification: run `{COMMAND}`"
        yield Finding(source_id, "fail", path.name, text)
    for source_id in sorted(released):
        if specs[source_id].released_tier is not Tier.OPEN:
            text = f"is released, but its tier is {specs[source_id].tier}"
            yield Finding(source_id, "fail", f"stg_{source_id}", text)


def _check_orphans(checkout: Checkout, ids: Collection[str]) -> Iterator[Finding]:
    """Files and folders named after a source that does not exist."""
    named = {path.stem: path.name for path in checkout.suites.glob("*.json")}
    for parent in (checkout.staging, checkout.cases):
        if parent.is_dir():
            named |= {p.name: f"{p.name}/" for p in parent.iterdir() if p.is_dir()}
    for name in sorted(set(named) - set(ids)):
        text = "belongs to no source: there is no specification of that name"
        yield Finding(name, "fail", named[name], text)


def _with_ok(
    findings: list[Finding], specs: Mapping[str, SourceSpec], chosen: Collection[str]
) -> list[Finding]:
    """The findings by source, each source without one being said to be fine."""
    found = {finding.source for finding in findings}
    fine = [
        Finding(source_id, "ok", f"{source_id}.yaml", _summary(spec))
        for source_id, spec in specs.items()
        if source_id not in found and (not chosen or source_id in chosen)
    ]
    return sorted([*findings, *fine], key=lambda finding: finding.source)


def _summary(spec: SourceSpec) -> str:
    return (
        f"{len(spec.columns)} columns, {len(spec.published_columns)} published; "
        f"key {', '.join(spec.primary_key)}"
    )

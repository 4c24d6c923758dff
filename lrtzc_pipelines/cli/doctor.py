"""`lrtzc doctor`: what would keep this installation from working, before it does.

Every check looks at files or the environment only; no service is asked, nothing is
written but one empty file that proves the data directory writable. What is checked
stands here; the data directory and the partners' inboxes have their own modules.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata, version
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lrtzc_pipelines.cli import doctor_data, doctor_deposits
from lrtzc_pipelines.cli.doctor_data import Found
from lrtzc_pipelines.cli.workspace import Workspace
from lrtzc_pipelines.connectors.addresses import Target, resolve
from lrtzc_pipelines.errors import LrtzcError, SettingsError
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.checking import check_sources
from lrtzc_pipelines.sources.checkout import PROJECT, Checkout

PACKAGE = "lrtzc-pipelines"
_PREFIX = "LRTZC_"
_NESTED = "__"
# Set by the platform for the programs it starts, never by a person.
_INTERNAL = frozenset({"LRTZC_BUILD_PATH", "LRTZC_INPUTS_DIR"})


def examine(place: Workspace) -> list[dict[str, str]]:
    """What each check found: `check`, `state` (ok, warn or fail) and `detail`."""
    findings = []
    for name, check in CHECKS.items():
        try:
            found = list(check(place))
        except (LrtzcError, OSError) as error:
            found = [("fail", str(error))]
        findings += [
            {"check": name, "state": state, "detail": detail} for state, detail in found
        ]
    return findings


def _python(_: Workspace) -> Iterator[Found]:
    present = platform.python_version()
    try:
        wanted = str(metadata(PACKAGE)["Requires-Python"])
    except PackageNotFoundError:
        yield "fail", f"{PACKAGE} is not installed in this Python: run `make setup`"
        return
    if present in SpecifierSet(wanted):
        yield "ok", present
    else:
        yield "fail", f"{present}, but {wanted} is needed"


def _packages(_: Workspace) -> Iterator[Found]:
    try:
        declared = metadata(PACKAGE).get_all("Requires-Dist") or []
    except PackageNotFoundError:
        return
    wanted = [Requirement(text) for text in declared]
    needed = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    wrong = [problem for r in needed if (problem := _package_problem(r))]
    for problem in wrong:
        yield "fail", f"{problem}: run `make setup`"
    if not wrong:
        yield "ok", f"{len(needed)} required packages have their versions"


def _package_problem(requirement: Requirement) -> str | None:
    try:
        present = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(present, prereleases=True):
        return None
    return f"{requirement.name} {present}, but {requirement.specifier} is needed"


def _catalogue(place: Workspace) -> Iterator[Found]:
    checkout = Checkout.at(PROJECT, place.settings.sources_dir)
    found = check_sources(checkout)
    failed = [finding for finding in found if finding["state"] == "fail"]
    for finding in failed:
        yield "fail", f"{finding['source']}: {finding['file']}: {finding['detail']}"
    if not failed:
        yield "ok", f"{len({f['source'] for f in found})} sources load"


def _contact(place: Workspace) -> Iterator[Found]:
    overrides = place.settings.endpoint
    outside = [
        endpoint.id
        for endpoint in place.endpoints.values()
        if _is_asked(overrides.get(endpoint.id, endpoint.base_url))
    ]
    if place.settings.contact:
        yield "ok", place.settings.contact
    elif outside:
        yield "warn", f"LRTZC_CONTACT is not set: {', '.join(outside)} are not asked"
    else:
        yield "ok", "not set, and not needed: every endpoint is on this machine"


def _keys(place: Workspace) -> Iterator[Found]:
    for endpoint in place.endpoints.values():
        if not endpoint.key_required:
            continue
        if endpoint.id in place.settings.secret:
            yield "ok", f"{endpoint.id}: given"
        elif endpoint.id in place.settings.endpoint:
            yield "ok", f"{endpoint.id}: not needed, its address is replaced"
        else:
            variable = _variable("SECRET", endpoint.id)
            yield "warn", f"{endpoint.id}: not asked without a key: set {variable}"


def _endpoints(place: Workspace) -> Iterator[Found]:
    settings, known = place.settings, place.endpoints
    for group, names in (("ENDPOINT", settings.endpoint), ("SECRET", settings.secret)):
        for name in sorted(set(names) - set(known)):
            text = f"{_variable(group, name)} names none of {', '.join(known)}"
            yield "warn", text
    for name in sorted(set(settings.endpoint) & set(known)):
        try:
            target = resolve(known[name], settings)
            yield "ok", f"{name} is replaced by {_host(target.base_url)}"
        except SettingsError as error:
            yield "fail", str(error)


def _variable(group: str, endpoint_id: str) -> str:
    return f"{_PREFIX}{group}{_NESTED}{endpoint_id.upper()}"


def _variables(_: Workspace) -> Iterator[Found]:
    # The names only: what a variable that nobody reads holds may be a secret.
    unknown = [name for name in sorted(os.environ) if _is_unknown(name)]
    for name in unknown:
        yield "warn", f"{name} is set, but nothing reads it"
    if not unknown:
        yield "ok", "no LRTZC_ variable that nothing reads"


def _is_unknown(variable: str) -> bool:
    if not variable.upper().startswith(_PREFIX) or variable in _INTERNAL:
        return False
    name, nested, rest = variable.upper().removeprefix(_PREFIX).partition(_NESTED)
    field = Settings.model_fields.get(name.lower())
    if field is None:
        return True
    return bool(nested) and not (rest and field.default_factory is dict)


def _is_asked(url: str) -> bool:
    """Whether collecting sends requests there that leave the machine."""
    bare = Target("", base_url=url, declared_url=url, requests_per_second=1)
    return bare.is_web and not bare.is_loopback


def _host(url: str) -> str:
    """An address without user, path or query, where keys may stand."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


CHECKS: Mapping[str, Callable[[Workspace], Iterator[Found]]] = {
    "python": _python,
    "packages": _packages,
    "sources": _catalogue,
    "data directory": doctor_data.data_directory,
    "free space": doctor_data.free_space,
    "private folders": doctor_data.private_folders,
    "retention": doctor_data.retention,
    "dbt manifest": doctor_data.dbt_manifest,
    "dagster home": doctor_data.dagster_home,
    "release": doctor_data.current_release,
    "leftovers": doctor_data.leftovers,
    "refresh": doctor_data.refresh_lock,
    "deposits": doctor_deposits.deposits,
    "contact": _contact,
    "keys": _keys,
    "endpoints": _endpoints,
    "variables": _variables,
}
"""Checks in the order they are told."""

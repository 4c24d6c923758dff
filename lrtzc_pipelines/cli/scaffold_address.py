"""Which endpoint a new source's address belongs to, and what is left of the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import ValidationError

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.spec import Endpoint


@dataclass(frozen=True)
class Address:
    """Where a new source is collected from.

    Attributes:
        is_new: Whether the endpoint still has to be declared.
        path: Path below the endpoint's address.
        homepage: A page about the service, to start with.
    """

    endpoint: Endpoint
    is_new: bool
    path: str
    homepage: str
    query: dict[str, str] = field(default_factory=dict)


def settle_address(
    source_id: str,
    endpoints: Mapping[str, Endpoint],
    *,
    url: str | None,
    endpoint_id: str | None,
    suffix: str,
) -> Address:
    """The endpoint and path of a new source.

    Args:
        source_id: The new source.
        endpoints: Endpoints that are declared.
        url: Full address of the file, if it is known.
        endpoint_id: Endpoint a person named, declared or new.
        suffix: Ending of the path to start with when the address is not known.

    Raises:
        SpecError: neither is enough, they contradict each other, or the address
            carries a key.
    """
    if url is None:
        if endpoint_id is None or endpoint_id not in endpoints:
            known = ", ".join(endpoints)
            msg = f"give the file's address with --url, or --endpoint: one of {known}"
            raise SpecError(msg)
        endpoint = endpoints[endpoint_id]
        path = f"{source_id}.{suffix}"
        return Address(endpoint, is_new=False, path=path, homepage=endpoint.contact)
    parts = _checked(url)
    endpoint = _endpoint(source_id, endpoints, url, parts, endpoint_id)
    base = urlsplit(endpoint.base_url)
    return Address(
        endpoint=endpoint,
        is_new=endpoint.id not in endpoints,
        path=parts.path.removeprefix(base.path.rstrip("/")).lstrip("/"),
        homepage=f"{parts.scheme}://{parts.netloc}/",
        query=_query(parts),
    )


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"--url {url!r}: not an http(s) address"
        raise SpecError(msg)
    bare = Target("", base_url=url, declared_url=url, requests_per_second=1)
    if "@" in parts.netloc or bare.scrub(url) != url:
        msg = (
            "--url carries a key or password, and specifications are public: leave "
            "it out; keys come from LRTZC_SECRET__<ENDPOINT>"
        )
        raise SpecError(msg)
    return parts


def _query(parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        msg = "--url: a query parameter stands twice, which a specification cannot say"
        raise SpecError(msg)
    return dict(pairs)


def _endpoint(
    source_id: str,
    endpoints: Mapping[str, Endpoint],
    url: str,
    parts: SplitResult,
    endpoint_id: str | None,
) -> Endpoint:
    """The declared endpoint that the address lies below, or a new one."""
    below = [e for e in endpoints.values() if _is_below(url, e)]
    if endpoint_id is None and below:
        return max(below, key=lambda endpoint: len(endpoint.base_url))
    name = endpoint_id or source_id.partition("_")[0]
    if name not in endpoints:
        return _new_endpoint(name, parts)
    if endpoints[name] in below:
        return endpoints[name]
    msg = (
        f"endpoint {name!r} is at {endpoints[name].base_url}, which {url} does not "
        "lie below: name a new one with --endpoint"
    )
    raise SpecError(msg)


def _is_below(url: str, endpoint: Endpoint) -> bool:
    return url.startswith(f"{endpoint.base_url.rstrip('/')}/")


def _new_endpoint(name: str, parts: SplitResult) -> Endpoint:
    base_url = f"{parts.scheme}://{parts.netloc}/"
    try:
        return Endpoint(
            id=name,
            title=f"Fichiers de {parts.hostname}",
            base_url=base_url,
            requests_per_second=1,
            contact=base_url,
        )
    except ValidationError as error:
        msg = f"--endpoint {name!r}: small letters, digits and underscores only"
        raise SpecError(msg) from error

"""The collectors that are declared: which topics of which broker, within which bounds.

What belongs here is the shape of `collectors.yaml`. Listening is `mqtt`'s work, writing
down is `spool`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.registry import explain, read_yaml

COLLECTORS_FILE = Path(__file__).parent / "collectors.yaml"
_LONGEST_TOPIC = 65_535


class Collector(Frozen):
    """One process that listens to a broker.

    Attributes:
        id: Name of the collector and of its spool.
        endpoint: Broker, as an endpoint id.
        topics: MQTT topic filters, subscribed to with QoS 1.
        client_id: Name under which the broker keeps our session while we are away;
            two processes with one name put each other out.
        payloads: What a message must hold to be written down: a LoRaWAN `uplink`, a
            `json` object, or `any` bytes. The rest is kept apart.
        max_message_kilobytes: Largest payload; larger ones are kept apart.
        seal_after_megabytes: Size at which a spool file is sealed.
        seal_after_minutes: Age of its first message at which it is sealed.
        keep_days: Days that sealed files are kept; the dataset goes back as far.
        refused_megabytes: Room for what is kept apart; the oldest goes first.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Annotated[str, Field(min_length=5)]
    endpoint: str
    topics: Annotated[tuple[str, ...], Field(min_length=1)]
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""
    payloads: Literal["uplink", "json", "any"] = "json"
    max_message_kilobytes: Annotated[int, Field(ge=1, le=10_000)] = 64
    seal_after_megabytes: Annotated[float, Field(gt=0, le=100)] = 8
    seal_after_minutes: Annotated[float, Field(gt=0)] = 720
    keep_days: Annotated[int, Field(ge=1)] = 400
    refused_megabytes: Annotated[int, Field(ge=1)] = 50

    @field_validator("topics")
    @classmethod
    def _topic_filters(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for topic in topics:
            if not _is_filter(topic):
                msg = f"{topic!r} is no MQTT topic filter"
                raise ValueError(msg)
        return topics

    @property
    def session(self) -> str:
        """Name of our session at the broker."""
        return self.client_id or f"lrtzc-{self.id}"


def _is_filter(topic: str) -> bool:
    """Whether a broker would take a text as a topic filter."""
    if not topic or "\0" in topic or len(topic.encode()) > _LONGEST_TOPIC:
        return False
    *path, last = topic.split("/")
    # A wildcard stands alone in its level, and `#` only at the end.
    return all(
        "#" not in level and level.count("+") in {0, len(level)} for level in path
    ) and (last in {"#", "+"} or not {"#", "+"} & set(last))


def load_collectors(path: Path = COLLECTORS_FILE) -> dict[str, Collector]:
    """Every declared collector by id.

    Raises:
        SpecError: the file says something that cannot be used.
    """
    data = read_yaml(path)
    for name, fields in data.items():
        if not isinstance(fields, dict):
            msg = f"{path.name}: {name}: expected a mapping of fields"
            raise SpecError(msg)
        data[name] = {"id": name, **fields}
    try:
        return TypeAdapter(dict[str, Collector]).validate_python(data)
    except ValidationError as error:
        raise explain(path, data, error) from None


def load_collector(collector_id: str, path: Path = COLLECTORS_FILE) -> Collector:
    """The collector with this id.

    Raises:
        SpecError: there is none, or the file cannot be used.
    """
    known = load_collectors(path)
    if collector_id not in known:
        msg = f"unknown collector: {collector_id} (known: {', '.join(known)})"
        raise SpecError(msg)
    return known[collector_id]

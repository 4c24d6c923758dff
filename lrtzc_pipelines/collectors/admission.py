"""Which messages a collector takes, and why it does not take the others."""

from __future__ import annotations

from lrtzc_pipelines.collectors.declared import Collector
from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.json_records import load
from lrtzc_pipelines.parsers.uplinks import read_uplinks


def problem(collector: Collector, payload: bytes) -> str | None:
    """Why a payload is not one that a collector takes; None if it is.

    One bad message must not keep the parser from all the others.
    """
    size = len(payload)
    if size > collector.max_message_kilobytes * 1000:
        return f"{size} bytes, more than {collector.max_message_kilobytes} kB"
    try:
        if collector.payloads == "uplink":
            read_uplinks(payload, "message")
        elif collector.payloads == "json":
            load(payload, "message")
    except ParseError as error:
        return str(error)
    return None

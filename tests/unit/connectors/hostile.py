"""What services send in place of JSON, for the tests of connectors that read it."""

from __future__ import annotations

import pytest
from scripted_server import Reply, reply

NOT_JSON: list[tuple[bytes, str]] = [
    (b"<!DOCTYPE html><html></html>", "an HTML page instead of JSON"),
    (b'{"items": [{"a": 1}, {"a"', "not a JSON document"),
    (b"", "not a JSON document"),
    (b"[" * 100_000, "not a JSON document"),
    (b'{"name": "\xff\xfe"}', "not a JSON document"),
]

not_json = pytest.mark.parametrize(("body", "reason"), NOT_JSON)

CUT_SHORT: Reply = reply(200, b'{"items": []', Content_Length="400")
"""An answer that announces more bytes than it has."""

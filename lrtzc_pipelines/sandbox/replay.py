"""Recorded real answers served again, byte for byte, from a directory of the user's.

The directory is indexed once; a request costs one `stat` and one read. Only gaps are
written here: the page after the last, and the addresses in a GBFS discovery file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lrtzc_pipelines.sandbox import webservice
from lrtzc_pipelines.sandbox.recordings import Recordings
from lrtzc_pipelines.sandbox.service import Answer, Origin
from lrtzc_pipelines.sandbox.tables import Question

_MEDIA_TYPES = {
    ".xml": webservice.MEDIA_TYPE,
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".csv": "text/csv",
}


@dataclass(frozen=True)
class ReplayService:
    """Recorded files behind the questions of `Service`."""

    recordings: Recordings
    _digests: dict[tuple[Path, int, int], str] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        """Always `replay`."""
        return "replay"

    def webservice(self, query: str) -> Answer:
        """The recorded page at the offset asked for, empty past the last one."""
        request = webservice.read_request(query)
        pages = (
            self.recordings.tables.get((request.database, request.table))
            if request
            else None
        )
        if request is None or pages is None:
            return Answer(webservice.failure(query), webservice.MEDIA_TYPE)
        if request.offset in pages:
            return self._recorded(pages[request.offset])
        if request.offset > max(pages):
            return Answer(webservice.success(query), webservice.MEDIA_TYPE)
        # A hole between recorded pages is no end: an empty page would hide it.
        hole = f"Offset {request.offset} was not recorded."
        return Answer(webservice.failure(query, hole), webservice.MEDIA_TYPE)

    def ckan(self, query: Mapping[str, str]) -> Answer:
        """The recorded resource at offset 0, its envelope without records after."""
        recorded = self.recordings.resources.get(query.get("resource_id", ""))
        if recorded is None:
            return _missing(
                f"no recorded answer of resource {query.get('resource_id')}"
            )
        if query.get("offset", "0") == "0":
            return self._recorded(recorded)
        envelope = json.loads(recorded.read_bytes())
        envelope["result"]["records"] = []
        body = json.dumps(envelope, ensure_ascii=False).encode()
        return Answer(body, _MEDIA_TYPES[".json"])

    def gbfs(self, feed: str, base_url: str) -> Answer | None:
        """A recorded feed; in the discovery file addresses lead to the sandbox."""
        recorded = self.recordings.feeds.get(feed)
        if recorded is None:
            return None
        if feed != "gbfs":
            return self._recorded(recorded)
        discovery = json.loads(recorded.read_bytes())
        for one in _feeds(discovery["data"]):
            one["url"] = f"{base_url}/{one['name']}.json"
        body = json.dumps(discovery, ensure_ascii=False).encode()
        return Answer(body, _MEDIA_TYPES[".json"])

    def file(self, endpoint_id: str, path: str) -> Answer | None:
        """The recorded file with the name that `path` ends in."""
        if endpoint_id == "geo_api_gouv" and path.endswith("/communes"):
            recorded = self.recordings.contours
        else:
            recorded = self.recordings.files.get(path.rsplit("/", 1)[-1])
        return self._recorded(recorded) if recorded else None

    def ask(self, endpoint_id: str, question: Question) -> Answer | None:
        """The recorded file with the name that the path ends in."""
        return self.file(endpoint_id, question.path)

    def summary(self) -> dict[str, Any]:
        """What was found in the directory."""
        return {
            "directory": str(self.recordings.directory),
            "recorded": self.recordings.summary(),
        }

    def _recorded(self, path: Path) -> Answer:
        """The file's own bytes; its digest is worked out once per version of it."""
        status = path.stat()
        body = path.read_bytes()
        key = (path, status.st_size, status.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = hashlib.sha256(body).hexdigest()
        return Answer(
            body,
            _MEDIA_TYPES[path.suffix.lower()],
            sha256=self._digests[key],
            last_modified=datetime.fromtimestamp(int(status.st_mtime), UTC),
        )


def _feeds(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Feeds of a discovery file: version 3 lists them, version 2 by language."""
    if "feeds" in data:
        return list(data["feeds"])
    return [feed for language in data.values() for feed in language["feeds"]]


def _missing(message: str) -> Answer:
    error = {
        "success": False,
        "error": {"message": message, "__type": "Not Found Error"},
    }
    return Answer(json.dumps(error).encode(), _MEDIA_TYPES[".json"], 404)

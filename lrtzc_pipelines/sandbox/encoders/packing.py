"""Zip archives that are the same bytes each time they are made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest moment a zip archive can tell."""


def packed(members: Mapping[str, bytes]) -> bytes:
    """An archive of files by name, in their order, without any date of its own."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, body in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, body)
    return made.getvalue()

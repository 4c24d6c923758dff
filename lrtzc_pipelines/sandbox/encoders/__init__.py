"""Frames as the bytes of a format, one module per kind of format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import polars as pl

Encode = Callable[[pl.DataFrame, Any], bytes]
"""Writes a frame as the bytes of a format, by the format's options."""


def encoder(kind: str) -> Encode:
    """The `encode(frame, form)` of the module named like a kind of format.

    Raises:
        LookupError: the sandbox does not write this format.
    """
    name = f"{__name__}.{kind}"
    if find_spec(name) is None:
        msg = f"the sandbox does not write the format {kind}"
        raise LookupError(msg)
    # Imported when used: some formats bring libraries that few sandboxes need.
    encode: Encode = import_module(name).encode
    return encode

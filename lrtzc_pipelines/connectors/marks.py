"""Marks: what a service says of its data's version, made one short text.

A mark also stands for what was asked: other filters or columns are other data, though
the service's word about the dataset is the same.
"""

from __future__ import annotations

import hashlib
import json

from lrtzc_pipelines.sources.protocols import ConnectorBase


def mark_of(connector: ConnectorBase, *facts: object) -> str:
    """The mark of a dataset that a connector asks for.

    Args:
        connector: What is asked for.
        facts: What the service tells of the version, as JSON values.
    """
    text = json.dumps([connector.model_dump(mode="json"), *facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

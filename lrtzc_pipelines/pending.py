"""Which sources hold raw data that have not gone the whole way to anonymized files.

Compared by what went in, never by what the last run said: a run that was killed after
its download, or a validation that blocked, leaves work that "unchanged" would hide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lrtzc_pipelines.anonymizing import anonymization_fingerprint
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.linked_registers import register_versions
from lrtzc_pipelines.raw_store import RawStore, Snapshot
from lrtzc_pipelines.slicing import every_slice
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import AnonymizedState, ValidatedState, read_state
from lrtzc_pipelines.validating import validation_fingerprint


def pending_slices(
    specs: Iterable[SourceSpec], suites: Mapping[str, Suite], layout: Layout
) -> list[SourceSpec]:
    """Sources, or days of them, whose latest snapshot is still to be processed."""
    return [
        part
        for part in every_slice(specs, layout)
        if _is_pending(part, suites[part.id], layout)
    ]


def held_slices(specs: Iterable[SourceSpec], layout: Layout) -> list[SourceSpec]:
    """Sources, and days of them whose raw bytes are still there.

    The retention clock takes bytes of days whose anonymized rows stay.
    """
    return [
        part
        for part in every_slice(specs, layout)
        if not part.is_daily or RawStore(layout.raw(*part.parts)).latest()
    ]


def _is_pending(spec: SourceSpec, suite: Suite, layout: Layout) -> bool:
    snapshot = RawStore(layout.raw(*spec.parts)).latest()
    return snapshot is not None and not is_processed(spec, suite, snapshot, layout)


def is_processed(
    spec: SourceSpec, suite: Suite, snapshot: Snapshot, layout: Layout
) -> bool:
    """Whether a snapshot's data are what the anonymized file was made of."""
    state = read_state(ValidatedState, layout.validated(*spec.parts))
    wanted = validation_fingerprint(spec, suite, snapshot)
    return (
        state is not None
        and (state.fingerprint, state.origin) == (wanted, snapshot.origin)
        and is_anonymized(spec, state, layout)
    )


def is_anonymized(spec: SourceSpec, state: ValidatedState, layout: Layout) -> bool:
    """Whether the anonymized file was made of the validated one, as now specified.

    What was audited against other registers than there are now is made anew.
    """
    done = read_state(AnonymizedState, layout.anonymized(*spec.parts))
    registers = register_versions(spec, layout, state.origin)
    wanted = anonymization_fingerprint(spec, state, registers)
    return done is not None and (done.fingerprint, done.origin) == (
        wanted,
        state.origin,
    )

"""Where the page's data come from: warning, table of sources, edition, citation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from lrtzc_pipelines.publishing import site_text as text
from lrtzc_pipelines.publishing.site_data import Release, SourceStatus

DEMONSTRATION = "Données de démonstration, générées : ne pas citer"
REPLAYED = "Réponses réelles rejouées, non actualisées"


@dataclass(frozen=True)
class Banner:
    """The warning over the page."""

    title: str
    detail: str


@dataclass(frozen=True)
class SourceRow:
    """A row of the table of sources."""

    title: str
    homepage: str
    producer: str
    licence: str
    licence_address: str
    row_count: str
    quarantined_count: str
    data_date: str
    freshness: str
    is_late: bool
    origin: str
    state: str


@dataclass(frozen=True)
class Edition:
    """The release, as the head and the foot of the page name it."""

    release_id: str
    created_at: str
    day: str
    code_version: str
    inputs_sha256: str
    licences: Sequence[tuple[str, str]]
    citation: str


def banner(release: Release, sources: Sequence[SourceStatus]) -> Banner | None:
    """The warning that the release's origin calls for; None if all of it is live."""
    origins = {source.origin for source in sources}
    if release.origin == "live":
        return None
    if release.origin == "replay":
        return Banner(
            REPLAYED,
            "Les réponses des producteurs ont été enregistrées puis rejouées : elles "
            "sont vraies, mais datent du jour de leur enregistrement.",
        )
    if release.origin == "mixed" and "replay" in origins and "sandbox" not in origins:
        return Banner(
            REPLAYED,
            "Une partie des réponses des producteurs a été enregistrée puis rejouée ; "
            "le tableau des sources dit lesquelles.",
        )
    if release.origin == "absent":
        return Banner(
            "Édition vide",
            "Aucune source n'a encore été collectée : il n'y a rien à citer.",
        )
    if release.origin == "sandbox":
        return Banner(
            DEMONSTRATION,
            "Les nombres de cette page sont inventés pour montrer la plateforme ; ils "
            "ne disent rien du territoire.",
        )
    return Banner(
        DEMONSTRATION,
        "Une partie au moins des nombres de cette page est inventée ou d'origine "
        "inconnue ; le tableau des sources dit l'origine de chacun.",
    )


def source_note(source: SourceStatus | None) -> str:
    """The line under a figure: title, producer, licence, date and origin."""
    if source is None:
        return ""
    parts = [
        source.title or source.source_id,
        source.producer or "",
        text.licence(source.licence)[0],
    ]
    if source.data_changed_at:
        parts.append(f"version du {text.day(source.data_changed_at)}")
    if source.origin in {"sandbox", "replay"}:
        parts.append(f"origine : {text.origin(source.origin).lower()}")
    return ", ".join(part for part in parts if part) + "."


def empty_note(source: SourceStatus | None) -> str:
    """Why a section has nothing to show."""
    if source is None or source.origin in {None, "absent"}:
        return f"{text.NOT_COLLECTED}."
    return "Collecté, mais aucune ligne n'a pu être publiée."


def source_groups(
    sources: Sequence[SourceStatus], created_at: datetime | None
) -> list[tuple[str, list[SourceRow]]]:
    """The rows of the table of sources under the name of their axis.

    Args:
        sources: The sources, those of an axis one after the other.
        created_at: When the release was made.
    """
    by_axis = groupby(sources, key=lambda source: source.axis)
    return [
        (text.axis(axis), [_source_row(source, created_at) for source in group])
        for axis, group in by_axis
    ]


def days_late(source: SourceStatus, created_at: datetime | None) -> int | None:
    """Days by which the data outlived their freshness; 0 if fresh, None if unknown."""
    if created_at is None or not source.data_changed_at or not source.freshness_days:
        return None
    overrun = created_at - source.data_changed_at
    overrun -= timedelta(days=source.freshness_days)
    return max(0, math.ceil(overrun / timedelta(days=1)))


def edition(release: Release, sources: Sequence[SourceStatus]) -> Edition:
    """The identity of the release in words, with the way to cite it."""
    name = release.release_id or "sans numéro"
    on = text.day(release.created_at)
    used = {s.licence for s in sources if s.licence and s.origin != "absent"}
    warning = banner(release, sources)
    citation = "Données de démonstration : à ne pas citer."
    if warning is None or warning.title == REPLAYED:
        citation = (
            "La Rochelle Territoire Zéro Carbone, plateforme de données ouvertes, "
            f"édition {name} du {on}, d'après les producteurs nommés plus haut."
        )
    return Edition(
        release_id=name,
        created_at=text.moment(release.created_at),
        day=on,
        code_version=release.code_version or text.NOT_AVAILABLE,
        inputs_sha256=release.inputs_sha256 or text.NOT_AVAILABLE,
        licences=[text.licence(code) for code in sorted(used)],
        citation=citation,
    )


def _source_row(source: SourceStatus, created_at: datetime | None) -> SourceRow:
    licence, address = text.licence(source.licence)
    absent = source.origin in {None, "absent"}
    shown = not absent and source.is_released is not False
    late = days_late(source, created_at)
    return SourceRow(
        title=source.title or source.source_id,
        homepage=text.web_address(source.homepage),
        producer=source.producer or text.NOT_AVAILABLE,
        licence=licence,
        licence_address=address,
        row_count=text.NOTHING if not shown else text.number(source.row_count),
        quarantined_count=text.NOTHING
        if absent
        else text.number(source.quarantined_count),
        data_date=text.NOTHING if absent else text.day(source.data_changed_at),
        freshness=text.NOTHING if absent else _freshness(late),
        is_late=bool(late) and not absent,
        origin=text.origin(source.origin),
        state=_state(source, is_absent=absent),
    )


def _freshness(late: int | None) -> str:
    if late is None:
        return text.NOT_AVAILABLE
    if late == 0:
        return "à jour"
    return f"en retard de {text.number(late)}{text.HARD_SPACE}j"


def _state(source: SourceStatus, *, is_absent: bool) -> str:
    if is_absent:
        return text.NOT_COLLECTED
    if not source.row_count:
        return "Collecté, aucune ligne publiée"
    if source.is_released is False:
        return "Collecté, non diffusé"
    return "Publié, lignes écartées" if source.quarantined_count else "Publié"

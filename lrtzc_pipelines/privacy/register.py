"""The register of processing (GDPR, article 30), drawn from the specifications."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lrtzc_pipelines.sources.columns import Column
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
    NoiseProtection,
)
from lrtzc_pipelines.sources.spec import SourceSpec

TO_COMPLETE = "à compléter"
HEADINGS = {
    "source": "Source",
    "title": "Traitement",
    "controller": "Responsable du traitement",
    "data_protection_officer": "Délégué à la protection des données",
    "purpose": "Finalité",
    "legal_basis": "Base légale",
    "persons": "Catégories de personnes",
    "data": "Catégories de données",
    "origin": "Origine des données",
    "recipients": "Destinataires",
    "retention": "Durée de conservation",
    "transfers": "Transferts hors de l'Union européenne",
    "security": "Mesures de sécurité",
}
"""Columns of the register, and what they are called."""

_RULES = {
    "drop": "ne sort pas",
    "subject": "sert à compter, ne sort pas",
    "quasi": "sort seulement plus grossière, ou dans une case",
    "sensitive": "sort seulement dans une case ou une classe",
}
_TIERS = {
    "open": "tout public",
    "partners": "partenaires de l'accord",
    "restricted": "agents habilités",
}
_ZONE = (
    "zone privée réservée au compte de la plateforme (0700/0600) ; aucune valeur "
    "personnelle dans les journaux"
)


def register(
    specs: Iterable[SourceSpec], *, controller: str, officer: str
) -> list[dict[str, str]]:
    """One entry per source about persons, in French.

    Args:
        specs: Sources; those that are about nobody are left out.
        controller: Name and address of the controller.
        officer: How to reach the data protection officer.
    """
    return [
        {
            "source": spec.id,
            "title": spec.title,
            "controller": controller or TO_COMPLETE,
            "data_protection_officer": officer or TO_COMPLETE,
            **_declared(spec),
            "data": " ; ".join(_datum(c) for c in spec.columns if c.is_personal),
            "origin": f"{spec.producer} ({spec.homepage})",
            "recipients": _recipients(spec),
            "retention": _retention(spec),
            "transfers": "aucun : les données restent sur la machine de la plateforme",
            "security": "; ".join([_ZONE, *_protection(spec)]),
        }
        for spec in specs
        if is_about_persons(spec)
    ]


def is_about_persons(spec: SourceSpec) -> bool:
    """Whether a source belongs in the register."""
    told = spec.processing
    return any(c.is_personal for c in spec.columns) and not (told and told.no_person)


def _declared(spec: SourceSpec) -> dict[str, str]:
    told = spec.processing
    names = ("purpose", "legal_basis", "persons")
    return {n: (told and getattr(told, n)) or TO_COMPLETE for n in names}


def _datum(column: Column) -> str:
    rule: Any = column.privacy
    told = _RULES.get(rule) if isinstance(rule, str) else "sort seulement arrondie"
    return f"{column.description.rstrip('.')} ({told})"


def _recipients(spec: SourceSpec) -> str:
    rows = f"lignes : {_TIERS[str(spec.tier)]}"
    if spec.protection is None:
        return rows.replace("lignes", "colonnes qui restent")
    return (
        "lignes : personne hors de la zone privée ; résultat protégé : "
        f"{_TIERS[str(spec.released_tier)]} ({spec.released_licence})"
    )


def _retention(spec: SourceSpec) -> str:
    told = f"{spec.raw_retention_days} jours, puis suppression journalisée"
    if spec.pseudonymised:
        told += " ; clés des pseudonymes détruites avec leur période"
    return told


def _protection(spec: SourceSpec) -> list[str]:
    told: list[str] = []
    match spec.protection:
        case AggregateProtection() as policy:
            told.append(f"agrégats d'au moins {policy.min_subjects} personnes")
        case CellProtection() as policy:
            told.append(
                f"secret statistique : {policy.min_units} unités, dominance de "
                f"{policy.dominance:.0%}".replace("%", " %")
            )
        case MicrodataProtection() as policy:
            told.append(f"lignes rendues semblables à {policy.k - 1} autres au moins")
        case NoiseProtection() as policy:
            told.append(
                f"comptages bruités (confidentialité différentielle) : ε de "
                f"{policy.epsilon:g} par période, {policy.budget.epsilon:g} par an au "
                "plus".replace(".", ",")
            )
        case None:
            return told
    told.append(f"seuils : {' '.join(spec.protection.source.split())}")
    told.append("contrôle par un second moteur et registre des publications")
    return told

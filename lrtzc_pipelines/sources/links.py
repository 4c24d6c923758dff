"""Whether sources that are linked agree on what they publish of the same rows.

What holds within one specification is checked where it is read; this is what holds
between several. See docs/adr on linked tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.circles import close_circle
from lrtzc_pipelines.sources.spec import SourceSpec


def link_problems(specs: Mapping[str, SourceSpec]) -> Iterator[tuple[str, str]]:
    """Id of a source and what is wrong with its links, for each thing that is."""
    policies = {
        source_id: spec.protection
        for source_id, spec in specs.items()
        if isinstance(spec.protection, CellProtection)
    }
    for source_id, policy in policies.items():
        problems = list(_problems(source_id, policies))
        if policy.linked and specs[source_id].is_daily:
            problems.append("not for sources partitioned by day")
        if policy.linked and not problems:
            group = (policy, *(policies[other] for other in policy.linked))
            if close_circle(table for each in group for table in each.told_apart):
                problems.append("the tables of these sources close a circle together")
        for problem in problems:
            yield source_id, f"protection.linked: {problem}"


def _problems(source_id: str, policies: Mapping[str, CellProtection]) -> Iterator[str]:
    own = policies[source_id]
    for other_id in own.linked:
        other = policies.get(other_id)
        if other is None or other_id == source_id:
            yield f"{other_id} is no other source with tables of cells"
        elif {other_id, *other.linked} != {source_id, *own.linked}:
            yield f"{other_id} has to name {source_id}, and the same sources besides"
        else:
            yield from _differences(own, other, other_id)


def _differences(
    own: CellProtection, other: CellProtection, other_id: str
) -> Iterator[str]:
    """What two sources say differently of the cells that both publish."""
    for label, one, two in (
        ("thresholds", _thresholds(own), _thresholds(other)),
        ("measure", _measure(own), _measure(other)),
        ("separate_by", own.separate_by, other.separate_by),
    ):
        if one != two:
            yield f"{label}: not as in {other_id}"
    for name in own.takes.keys() & other.takes.keys():
        if own.takes[name] != other.takes[name]:
            yield f"takes: {name}: not as in {other_id}"


def _thresholds(policy: CellProtection) -> tuple[float, ...]:
    return policy.min_units, policy.dominance, policy.protection


def _measure(policy: CellProtection) -> tuple[str, str | None]:
    return policy.measure.name, policy.measure.unit

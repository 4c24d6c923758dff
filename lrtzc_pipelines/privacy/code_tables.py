"""Tables of codes: which group a code of a place, activity or period falls into.

They are data of this package, `hierarchy_tables/<name>.yaml`, each with its source and
year. A code that is in no table is never lost: it falls into a group of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, model_validator

from lrtzc_pipelines.sources.frozen import Frozen

OTHER = "(autre)"
"""Group of the codes that a table does not know, at each of its levels."""

_FOLDER = Path(__file__).parent / "hierarchy_tables"
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class TableLevel(Frozen):
    """One level of a table.

    Attributes:
        name: What specifications call it.
        characters: The group is that many first characters of a code that is known;
            otherwise the table names it.
    """

    name: _Name
    characters: Annotated[int, Field(ge=1)] | None = None


class TableRow(Frozen):
    """Codes that share their groups, at the levels that the table names."""

    codes: Annotated[tuple[str, ...], Field(min_length=1)]
    groups: tuple[str, ...] = ()


class CodeTable(Frozen):
    """A hierarchy of codes.

    Attributes:
        title: What it is.
        source: Who says so.
        year: Of which year it is.
        key_characters: How many first characters of a code are looked up; all if None.
        levels: From finest to coarsest.
        rows: Every code that is known, once.
    """

    title: Annotated[str, Field(min_length=5)]
    source: Annotated[str, Field(min_length=5)]
    year: Annotated[int, Field(ge=1990, le=2100)]
    key_characters: Annotated[int, Field(ge=1)] | None = None
    levels: Annotated[tuple[TableLevel, ...], Field(min_length=1)]
    rows: Annotated[tuple[TableRow, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_parent_each(self) -> Self:
        codes = [code for row in self.rows for code in row.codes]
        repeated = sorted({code for code in codes if codes.count(code) > 1})
        if repeated:
            msg = f"codes stand twice: {', '.join(repeated)}"
            raise ValueError(msg)
        odd = [c for c in codes if self.key_characters not in {None, len(c)}]
        if odd:
            msg = f"codes are not of {self.key_characters} characters: {', '.join(odd)}"
            raise ValueError(msg)
        if any(len(row.groups) != len(self._named) for row in self.rows):
            msg = f"each row names its {', '.join(self._named) or 'nothing else'}"
            raise ValueError(msg)
        for place, level in enumerate(self.levels[1:], start=1):
            parents: dict[str, str] = {}
            finer = self.labels(self.levels[place - 1].name)
            for code, label in self.labels(level.name).items():
                if parents.setdefault(finer[code], label) != label:
                    msg = f"{finer[code]} has two groups at level {level.name}"
                    raise ValueError(msg)
        return self

    @property
    def level_names(self) -> list[str]:
        """Names of the levels, from finest to coarsest."""
        return [level.name for level in self.levels]

    @cached_property
    def _named(self) -> list[str]:
        return [level.name for level in self.levels if level.characters is None]

    def level(self, name: str) -> TableLevel:
        """The level of a name; ValueError if there is none."""
        for level in self.levels:
            if level.name == name:
                return level
        msg = f"{self.title}: has no level {name}"
        raise ValueError(msg)

    def labels(self, level: str) -> dict[str, str]:
        """For each code that is known, the group that it falls into at a level.

        Where a level is finer than what is looked up, that is the code itself.
        """
        kept = self.level(level).characters
        if kept is not None:
            return {code: code[:kept] for row in self.rows for code in row.codes}
        place = self._named.index(level)
        return {code: row.groups[place] for row in self.rows for code in row.codes}

    def characters_of(self, level: str) -> int | None:
        """First characters of a code that decide its group; None if all of it does."""
        if self.key_characters is None:
            return None
        return max(self.key_characters, self.level(level).characters or 0)


@cache
def code_table(name: str) -> CodeTable:
    """The table of a name.

    Raises:
        ValueError: there is none, or it is wrong in itself.
    """
    path = _FOLDER / f"{name}.yaml"
    if not path.is_file():
        msg = f"{name!r} is no table of codes"
        raise ValueError(msg)
    return CodeTable.model_validate(yaml.safe_load(path.read_text("utf-8")))


def tables_digest(names: Iterable[str]) -> str:
    """A hash of what some tables say: cells made by others are other cells."""
    told = "\n".join(code_table(name).model_dump_json() for name in sorted(names))
    return hashlib.sha256(told.encode()).hexdigest()

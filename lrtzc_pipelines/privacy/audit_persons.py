"""Shapes of persons' names and of addresses that no published text may have.

Postal addresses with a number in their street, and names that say by themselves that
they are names: after a civility, or, with a family name in capitals, beside a street.
RE2 as in DuckDB; tables of words, no dictionary of names.
"""

from __future__ import annotations

_STREETS = (
    "all[ée]e|all|avenue|av|boulevard|blvd|bld|bd|chauss[ée]e|chemin|che|chem|cit[ée]"
    "|clos|cours|esplanade|faubourg|fbg|fg|hameau|impasse|imp|lotissement|lot|mail"
    "|mont[ée]e|parvis|passage|pass|place|pl|promenade|quai|r[ée]sidence|res|rond-point"
    "|route|rte|rue|ruelle|r|sente|sentier|square|sq|traverse|venelle|villa|voie"
)
_STREET = rf"(?:{_STREETS})\.?"
_START = r"(?:^|[^\p{L}\p{N}])"
_NUMBER = r"[0-9]{1,4}(?:\s?[-/]\s?[0-9]{1,4})?(?:\s?(?:bis|ter|quater|[a-e]))?"
_ADDRESS = rf"(?i:{_START}{_NUMBER}(?:\s*,\s*|\s+){_STREET}\s+(?:[dl]['’]\s?)?\p{{L}})"

_TITLE = (
    r"(?i:monsieur|messieurs|madame|mesdames|mademoiselle|docteur|ma[îi]tre"
    r"|mmes?\.?|mm?\.|mr\.?|mlles?\.?|dr\.?)"
)
_NAME = r"\p{Lu}[\p{L}'’-]+"
_CIVILITY = rf"{_START}{_TITLE}\s+(?:{_NAME}|\p{{Lu}}\.)"
# Without a dot it is also a unit (12 M€): only a name in capitals at the start.
_BARE = r"(?:^|[,;:(]\s*)M\s+\p{Lu}[\p{Lu}'’-]{2,}"

_PERSON = r"\p{Lu}\p{Ll}+(?:[ -]\p{Lu}\p{Ll}+)*\s+\p{Lu}[\p{Lu}'’-]+"
_PERSON_TURNED = r"\p{Lu}[\p{Lu}'’-]+\s+\p{Lu}\p{Ll}+"
_PERSONS = rf"(?:{_PERSON}|{_PERSON_TURNED})"
_SOME_STREET = rf"{_START}(?i:{_STREETS.removesuffix('|voie')})\.?\s+\p{{L}}"

PERSON_PATTERNS = {
    "address": _ADDRESS,
    "name after a civility": rf"{_CIVILITY}|{_BARE}",
    "name beside a street": (
        rf"{_START}{_PERSONS}\b.*{_SOME_STREET}|{_SOME_STREET}.*\b{_PERSONS}"
    ),
}
"""What to look for, by what it is called."""

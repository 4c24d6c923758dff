"""What the columns of a sample seem to be, and which may be kept without a decision."""

from __future__ import annotations

import csv
import io

import pytest

from lrtzc_pipelines.cli.scaffold_columns import draft_columns
from lrtzc_pipelines.cli.scaffold_sample import read_sample
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.columns import Column


def column(name: str, *values: str) -> Column:
    """The draft of a column with these values, beside a plain key."""
    text = io.StringIO()
    rows = [("cle", name), *((str(n), value) for n, value in enumerate(values))]
    csv.writer(text, delimiter=";").writerows(rows)
    sample = read_sample(text.getvalue().encode(), "sample", "csv")
    drafts, _ = draft_columns(sample)
    return drafts[1].column


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("1", "-20", ""), "integer"),
        (("1 000", "12\u202f345", "3"), "integer"),
        (("1.5", "2"), "number"),
        (("1,5", "1 234,25"), "number"),
        (("01", "02"), "text"),
        (("12345678901234567890", "1"), "text"),
        (("oui", "non", "Oui"), "boolean"),
        (("0", "1"), "integer"),
        (("2024-01-31", "2024-02-29"), "date"),
        (("31/01/2024", "01/02/2024", ""), "date"),
        (("31/01/2024", "30/02/2024", "02/03/2024", "04/05/2024"), "date"),
        (("01/31/2024", "02/28/2024", "03/04/2024"), "text"),
        (("2024-01-31 10:00:00", "2024-01-31 10:00:00.5"), "datetime"),
        (("2024-01-31T10:00:00+01:00", "2024-01-31T09:00:00Z"), "datetime"),
        (("31/01/2024 10:00",), "datetime"),
        (("a", "1"), "text"),
    ],
)
def test_a_type_is_what_all_values_agree_on(values: tuple[str, ...], kind: str) -> None:
    assert str(column("mesure", *values).type) == kind


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Nom", ("A1", "B2")),
        ("prénom", ("x1",)),
        ("téléphone", ("546000000",)),
        ("N° SIRET", ("1",)),
        ("adresseMail", ("a1",)),
        ("Age", ("40",)),
        ("date_naissance", ("1980-01-01",)),
        ("latitude", ("46.1",)),
        ("PRM", ("1",)),
        ("divers", ("quelqu'un",)),
        ("divers", ("Jean",)),
        ("divers", ("1", "a@b.example")),
        ("divers", ("05 46 00 00 00", "x1")),
        ("divers", ("0546000000",)),
        ("divers", ("12345678901234",)),
        ("divers", ("AB-123-CD",)),
        ("divers", ("192.168.0.1",)),
        ("divers", ("FR7612345678901234567890123",)),
        ("divers", ("",)),
    ],
)
def test_what_may_be_personal_is_dropped(name: str, values: tuple[str, ...]) -> None:
    assert column(name, *values, "").privacy == "drop"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hauteur", ("1,5", "2")),
        ("effectif", ("10", "20")),
        ("Code EPCI", ("241700434",)),
        ("code_iso", ("FR", "DE")),
        ("secteur", ("A1", "B2")),
        ("depot", ("2024-01-01",)),
        ("actif", ("oui", "non")),
    ],
)
def test_numbers_dates_and_codes_are_kept(name: str, values: tuple[str, ...]) -> None:
    assert column(name, *values).privacy == "keep"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Surface (m²)", "surface_m2"),
        ("codeINSEE", "code_insee"),
        ("2024", "column_2024"),
        ("select", "select_value"),
        ("order", "order_value"),
        ("Œuvre d'été", "oeuvre_d_ete"),
        ("%", "column_value"),
        ("cle ", "cle_again"),
    ],
)
def test_names_need_no_quotes_in_sql(source: str, name: str) -> None:
    found = column(source, "1")
    assert (found.name, found.source) == (name, source)


def test_the_key_of_a_table_about_persons_is_dropped() -> None:
    text = b"dossier;courriel;montant\nA1;a@b.example;3\nA2;c@d.example;3\n"
    drafts, key = draft_columns(read_sample(text, "sample", "csv"))
    assert key == ("dossier",)
    privacy = {draft.column.name: draft.column.privacy for draft in drafts}
    assert privacy == {"dossier": "drop", "courriel": "drop", "montant": "keep"}


def test_the_key_is_the_first_column_that_tells_rows_apart() -> None:
    text = b"jour;mesure;rang\n2024-01-01;1.5;1\n2024-01-01;2.5;2\n"
    _, key = draft_columns(read_sample(text, "sample", "csv"))
    assert key == ("rang",)


def test_without_a_single_key_the_person_names_one() -> None:
    text = b"jour;rang\n2024-01-01;1\n2024-01-01;2\n2024-01-02;1\n"
    sample = read_sample(text, "sample", "csv")
    with pytest.raises(SpecError, match="--key"):
        draft_columns(sample)
    drafts, key = draft_columns(sample, key=["jour", "rang"])
    assert key == ("jour", "rang")
    assert all(draft.column.required for draft in drafts)

"""Charging points as producers really write them, and one row per point."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import undeclared
from lrtzc_pipelines.parsers.irve import parse_snapshot
from lrtzc_pipelines.parsers.irve_files import DYNAMIC_COLUMNS, STATIC_COLUMNS
from lrtzc_pipelines.sources.formats import IrveFormat

REAL = Path(__file__).parents[4] / "shared" / "real" / "irve"
real_data = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]
STATIC, DYNAMIC = IrveFormat(kind="irve"), IrveFormat(kind="irve", dynamic=True)
HEADER = ["id_pdc_itinerance", "nom_station", "coordonneesXY", "gratuit", "date_maj"]


def table(
    *rows: list[str], header: list[str] = HEADER, separator: str = ",", end: str = "\n"
) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows([header, *rows])
    return text.getvalue()


def point(name: str, updated: str = "2026-01-01", **cells: str) -> list[str]:
    plain = dict(
        zip(HEADER, [name, "Gare", "[-1.1,46.1]", "true", updated], strict=True)
    )
    return list((plain | cells).values())


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name.replace("_", "."), body)
    return packed.getvalue()


def parse(*bodies: bytes | str, form: IrveFormat = STATIC) -> pl.DataFrame:
    pages = [
        (f"page-{n}", body.encode() if isinstance(body, str) else body)
        for n, body in enumerate(bodies)
    ]
    return parse_snapshot(pages, "irve_static", form)


def one(body: bytes | str) -> dict[str, str | None]:
    (row,) = parse(body).to_dicts()
    return row


def cell(name: str, text: str) -> str | None:
    header = [*HEADER, *([] if name in HEADER else [name])]
    row = point("A")
    cells = dict(zip(HEADER, row, strict=True)) | {name: text}
    return one(table([cells[n] for n in header], header=header))[name]


def test_columns_are_those_of_the_schema_and_three_notes() -> None:
    rows = parse(table([*point("A"), "x"], header=[*HEADER, "colonne_du_producteur"]))
    notes = ["coordonnees_inversees", "ligne_illisible", "autres_lignes"]
    assert rows.columns == [*STATIC_COLUMNS, *notes, "_page", "_row"]
    assert set(rows.select(pl.exclude("_page", "_row")).dtypes) == {pl.String()}
    assert rows.schema["_page"] == rows.schema["_row"] == pl.UInt32()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_separator_is_recognised(separator: str, end: str) -> None:
    body = table(point("A"), point("B"), separator=separator, end=end)
    rows = parse(body)
    assert rows["id_pdc_itinerance"].to_list() == ["A", "B"]
    assert rows["coordonneesXY"].to_list() == ["[-1.1,46.1]"] * 2
    assert rows["_row"].to_list() == [1, 2]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"]
)
def test_the_letters_are_recognised(encoding: str) -> None:
    body = table(point("A", nom_station="Hôtel d'Évian à Ça"))
    assert one(body.encode(encoding))["nom_station"] == "Hôtel d'Évian à Ça"


def test_windows_letters_that_are_not_of_iso_8859_1_are_read() -> None:
    body = table(point("A", nom_station="L’œil – 3 €"))
    assert one(body.encode("cp1252"))["nom_station"] == "L’œil – 3 €"


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress,
        lambda body: zipped(bornes_csv=body),
        lambda body: zipped(BORNES_CSV=body),
        lambda body: zipped(bornes_csv=body, lisezmoi_pdf=b"%PDF"),
        lambda body: zipped(bornes=body),
    ],
)
def test_what_is_packed_is_unpacked_whatever_its_name(packed: object) -> None:
    assert callable(packed)
    rows = parse(packed(table(point("A")).encode()))
    assert rows["id_pdc_itinerance"].to_list() == ["A"]


@pytest.mark.parametrize(
    "text", ["[-1.1,46.1]", "-1.1,46.1", "[ -1.1 , 46.1 ]", "(-1.1;46.1)"]
)
def test_positions_in_the_right_order_are_left_so(text: str) -> None:
    row = one(table(point("A", coordonneesXY=text)))
    assert row["coordonneesXY"] == "[-1.1,46.1]"
    assert row["coordonnees_inversees"] == "false"


def test_axes_the_other_way_round_are_swapped_and_noted() -> None:
    row = one(table(point("A", coordonneesXY="[46.1500,-1.10]")))
    assert row["coordonneesXY"] == "[-1.10,46.1500]"
    assert row["coordonnees_inversees"] == "true"


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("[41,-5.5]", "true"),
        ("[51.5,9.7]", "true"),
        ("[40.99,-5.5]", "false"),
        ("[51.5,9.71]", "false"),
        ("[55.5,-21.1]", "false"),
    ],
)
def test_only_what_lies_in_mainland_france_is_swapped(text: str, swapped: str) -> None:
    row = one(table(point("A", coordonneesXY=text)))
    assert row["coordonnees_inversees"] == swapped


@pytest.mark.parametrize("text", ["46.1", "", "[-1,1,46,1]", "à la gare"])
def test_what_is_no_position_stays_for_the_typing_step(text: str) -> None:
    row = one(table(point("A", coordonneesXY=text)))
    assert row["coordonneesXY"] == (text or None)
    assert row["coordonnees_inversees"] is None


@pytest.mark.parametrize("text", ["TRUE", "True", "VRAI", "1", "oui", " true "])
def test_every_way_to_say_yes_is_true(text: str) -> None:
    assert cell("prise_type_2", text) == "true"


@pytest.mark.parametrize("text", ["FALSE", "faux", "0", "Non"])
def test_every_way_to_say_no_is_false(text: str) -> None:
    assert cell("paiement_cb", text) == "false"


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("gratuit", "peut-être", "peut-être"),
        ("nbre_pdc", "1", "1"),
        ("condition_acces", "oui", "oui"),
        ("puissance_nominale", "22,08", "22.08"),
        ("puissance_nominale", "22 kW", "22 kW"),
        ("date_maj", "2026-02-03T10:00:00", "2026-02-03"),
        ("date_maj", "3/02/2026", "2026-02-03"),
        ("date_mise_en_service", "03/02/2026 10:00", "2026-02-03"),
        ("date_maj", "hier", "hier"),
        ("code_insee_commune", "01004", "01004"),
        ("observations", "  ", None),
    ],
)
def test_values_are_brought_to_the_schema_where_there_is_no_doubt(
    name: str, text: str, read: str | None
) -> None:
    assert cell(name, text) == read


@pytest.mark.parametrize("text", ["Non concerné", "non concerne", "NON_CONCERNEE", ""])
def test_words_for_no_identifier_are_none(text: str) -> None:
    rows = parse(table(point(text), point(text)))
    assert rows["id_pdc_itinerance"].to_list() == [None, None]
    assert rows["autres_lignes"].to_list() == [None, None]


def test_a_file_of_the_first_version_has_the_names_of_the_second() -> None:
    header = [
        "n_amenageur;n_operateur;n_enseigne;id_station;n_station;ad_station;code_insee",
        "Xlongitude;Ylatitude;nbre_pdc;id_pdc;puiss_max;type_prise;acces_recharge",
        "accessibilité;observations;date_maj",
    ]
    row = (
        "Ville;Opérateur;Réseau;S1;Gare;1 rue;17300;-1,15;46,16;2;P1;22;"
        "E/F - T2 - CHADEMO;payant;24/7;;2019-01-02"
    )
    found = one(f"{';'.join(header)}\n{row}\n")
    assert found["id_pdc_itinerance"] == "P1"
    assert found["id_station_itinerance"] == "S1"
    assert found["nom_amenageur"] == "Ville"
    assert found["code_insee_commune"] == "17300"
    assert found["puissance_nominale"] == "22"
    assert found["horaires"] == "24/7"
    assert found["coordonneesXY"] == "[-1.15,46.16]"
    assert found["coordonnees_inversees"] == "false"
    plugs = ["ef", "2", "combo_ccs", "chademo"]
    assert [found[f"prise_type_{plug}"] for plug in plugs] == [
        "true",
        "true",
        "false",
        "true",
    ]


def test_where_both_versions_name_a_column_the_newer_one_counts() -> None:
    header = ["id_pdc", *HEADER, "ID_PDC_LOCAL"]
    row = one(table(["old", *point("new"), "7"], header=header))
    assert row["id_pdc_itinerance"] == "new"
    assert row["id_pdc_local"] == "7"


def test_a_point_in_two_files_is_taken_from_the_one_updated_last() -> None:
    rows = parse(
        table(point("A", "2025-01-01"), point("B", "2026-01-01")),
        table(point("B", "2025-01-01"), point("A", "2026-01-01"), point("C", "x")),
    )
    places = rows.select("id_pdc_itinerance", "_page", "_row").rows()
    assert places == [("B", 0, 2), ("A", 1, 2), ("C", 1, 3)]
    assert rows["autres_lignes"].to_list() == ["1", "1", "0"]


def test_among_equals_the_first_page_then_the_first_row_counts() -> None:
    rows = parse(
        table(point("B"), point("A", nom_station="un"), point("A", nom_station="deux")),
        table(point("A", nom_station="trois")),
    )
    kept = rows.filter(pl.col("id_pdc_itinerance") == "A").row(0, named=True)
    assert (kept["nom_station"], kept["_page"], kept["_row"]) == ("un", 0, 2)
    assert kept["autres_lignes"] == "2"


def test_a_row_without_a_date_gives_way_to_any_other() -> None:
    rows = parse(table(point("A", "")), table(point("A", "1999-01-01")))
    assert rows["date_maj"].to_list() == ["1999-01-01"]


def test_states_are_ranked_by_their_moment_in_any_time_zone() -> None:
    header = ["id_pdc_itinerance", "etat_pdc", "occupation_pdc", "horodatage"]
    rows = parse(
        table(["A", "en_service", "libre", "2026-01-01T12:00:00+0200"], header=header),
        table(["A", "en_service", "occupe", "2026-01-01T11:00:00Z"], header=header),
        form=DYNAMIC,
    )
    assert rows["occupation_pdc"].to_list() == ["occupe"]
    notes = ["ligne_illisible", "autres_lignes"]
    assert rows.columns == [*DYNAMIC_COLUMNS, *notes, "_page", "_row"]


GARBAGE = [
    (b"<html><body>Erreur</body></html>", "no table of charging points"),
    (b"%PDF-1.7 \xff\xfe\x00", "no table of charging points"),
    (b"nom;adresse\nA;B\n", "no table of charging points"),
    (b"id_pdc_itinerance\nA\n", "no table of charging points"),
    (bytes(range(256)), "no table of charging points"),
    (b"\x00" * 50, "no table of charging points"),
    (b"", "could not be fetched"),
    (
        b"id_pdc_itinerance,gratuit,gratuit,date_maj\nA,1,1,x\n",
        "column 'gratuit' stands twice",
    ),
    (gzip.compress(b"x" * 999, mtime=0)[:-6], "the gzip file is cut short"),
    (b"\x1f\x8bnot gzip", "no gzip file that can be read"),
    (b"PK\x03\x04broken", "not a zip archive that can be read"),
    (zipped(a_csv=b"x", b_csv=b"y"), "an archive of 2 files"),
    (zipped(), "an archive of 0 files"),
]


@pytest.mark.parametrize(("body", "reason"), GARBAGE)
def test_a_file_that_is_none_is_an_error_that_names_its_page(
    body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError, match=f"^irve_static: page page-0: .*{reason}"):
        parse(body)


@pytest.mark.parametrize(("body", "reason"), GARBAGE)
def test_among_others_it_is_one_row_that_says_so(body: bytes, reason: str) -> None:
    rows = parse(table(point("A")), body, table(point("B")))
    assert rows["id_pdc_itinerance"].to_list() == ["A", None, "B"]
    refused = rows.row(1, named=True)
    assert (refused["_page"], refused["_row"]) == (1, 1)
    assert "page page-1: " in refused["ligne_illisible"]
    assert reason in refused["ligne_illisible"]
    values = rows.select(STATIC_COLUMNS).row(1)
    assert set(values) == {None}


def test_no_page_at_all_is_an_error() -> None:
    with pytest.raises(ParseError, match="irve_static: no page"):
        parse_snapshot([], "irve_static", STATIC)


def test_a_table_of_no_point_has_no_row() -> None:
    assert parse(table()).height == 0


def test_a_row_of_another_width_is_refused_alone_and_keeps_its_number() -> None:
    body = table(point("A")) + "B,Dupont\n,,,,\n" + "C,Gare,,true,2026-01-01,trop\n"
    rows = parse(body + table(point("D")).partition("\n")[2])
    assert rows["id_pdc_itinerance"].to_list() == ["A", None, None, "D"]
    faults = rows["ligne_illisible"].to_list()
    assert faults[1] == "line 3: 2 values under 5 columns"
    assert faults[2] == "line 5: 6 values under 5 columns"
    assert "Dupont" not in str(rows.to_dicts())


def test_a_quote_left_open_tells_how_much_it_swallowed() -> None:
    body = table(point("A")) + 'B,"Gare\n' + "".join("C,a,b,c,d\n" for _ in range(5))
    rows = parse(body)
    assert rows["ligne_illisible"].to_list() == [
        None,
        "lines 3 to 8: 2 values under 5 columns",
    ]


def test_what_expands_too_far_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undeclared, "_LARGEST", 1000)
    with pytest.raises(ParseError, match="page-0: expands to more than"):
        parse(gzip.compress(b"x" * 2000))


def test_an_archive_that_expands_a_thousandfold_is_refused() -> None:
    bomb = zipped(a_csv=b"\x00" * 20_000_000)
    with pytest.raises(ParseError, match=r"page-0: .*expands to"):
        parse(bomb)


def test_a_cell_longer_than_usual_is_read() -> None:
    text = "x" * 200_000
    assert one(table(point("A", nom_station=text)))["nom_station"] == text


@pytest.mark.parametrize(
    ("form", "part"), [(STATIC, "statique"), (DYNAMIC, "dynamique")]
)
class TestReal:
    pytestmark = real_data

    def test_the_official_example_comes_through(
        self, form: IrveFormat, part: str
    ) -> None:
        body = (REAL / f"exemple-valide-{part}.csv").read_bytes()
        rows = parse(body, form=form)
        wanted = list(csv.DictReader(io.StringIO(body.decode())))
        assert rows.height == len(wanted) == 2
        names = [n for n in wanted[0] if n != "coordonneesXY"]
        for row, real in zip(rows.to_dicts(), wanted, strict=True):
            assert {n: row[n] for n in names} == {n: real[n] or None for n in names}
            if "coordonneesXY" in real:
                assert json.loads(str(row["coordonneesXY"])) == json.loads(
                    real["coordonneesXY"]
                )

    def test_the_columns_are_those_of_the_official_schema(
        self, form: IrveFormat, part: str
    ) -> None:
        schema = json.loads((REAL / f"schema-{part}.json").read_text("utf-8"))
        ours = DYNAMIC_COLUMNS if form.dynamic else STATIC_COLUMNS
        assert [field["name"] for field in schema["fields"]] == list(ours)

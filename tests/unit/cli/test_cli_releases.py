"""`lrtzc releases`: what was published, going back, and checksums."""

from __future__ import annotations

from lrtzc_pipelines.layout import Layout


def test_an_empty_data_directory_has_no_release(lrtzc) -> None:
    assert lrtzc("releases", "list", "--json").rows == []
    said = lrtzc("releases", "list")
    assert (said.code, said.out) == (0, "no release yet\n")


def test_a_release_is_listed(lrtzc, published) -> None:
    (row,) = lrtzc("releases", "list", "--json").rows
    assert row["release"] == published.release_id
    assert row["current"] is True
    assert (row["tables"], row["rows"], row["sources"]) == (1, 2, 0)
    assert published.release_id in lrtzc("releases", "list").out


def test_the_only_release_cannot_be_gone_back_from(lrtzc, published) -> None:
    said = lrtzc("releases", "rollback")
    assert said.code == 1
    assert "no release is older" in said.err


def test_going_back_to_an_unknown_release_names_the_known_ones(
    lrtzc, published
) -> None:
    said = lrtzc("releases", "rollback", "20200101T000000Z-00000000")
    assert said.code == 1
    assert published.release_id in said.err


def test_a_whole_release_verifies(lrtzc, published) -> None:
    assert lrtzc("releases", "verify").code == 0


def test_a_damaged_file_is_named(lrtzc, published, layout: Layout) -> None:
    path = layout.current_release / "parquet" / "ref_essai.parquet"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    said = lrtzc("releases", "verify")
    assert said.code == 1
    assert "parquet/ref_essai.parquet is missing or damaged" in said.err

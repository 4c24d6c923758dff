"""The unmodified clients against one sandbox: the same scenes, and the same bytes."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pystac_client
import pytest
import sentinelsat
import shapely
from shapely.geometry import mapping

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Limits
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.imagery.checksums import Status
from lrtzc_pipelines.imagery.dhus_catalog import DhusCatalog
from lrtzc_pipelines.imagery.downloading import Downloader
from lrtzc_pipelines.imagery.indices import difference, reflectance
from lrtzc_pipelines.imagery.rasters import Grid, read_window
from lrtzc_pipelines.imagery.scenes import (
    CatalogError,
    Scene,
    SceneCatalog,
    SceneQuery,
    newest_versions,
)
from lrtzc_pipelines.imagery.stac_catalog import StacCatalog
from lrtzc_pipelines.imagery.tokens import Tokens
from lrtzc_pipelines.sandbox.draws import TODAY
from lrtzc_pipelines.sandbox.imagery.app import (
    PASSWORD,
    USER,
    FileFault,
    ImagerySandbox,
)
from lrtzc_pipelines.sandbox.imagery.archive import Archive
from lrtzc_pipelines.sandbox.imagery.landscape import Landscape
from lrtzc_pipelines.sandbox.imagery.overpasses import TILE, overpasses
from lrtzc_pipelines.sandbox.imagery.products import Products
from lrtzc_pipelines.sandbox.server import RunningSandbox
from lrtzc_pipelines.sandbox.territory import outlines

HARBOUR = Grid("EPSG:32630", 643_500.0, 5_109_500.0, 10.0, 120, 100)
AREA = dict(mapping(shapely.union_all(list(outlines().values()))))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ImagerySandbox, str]]:
    scenes = overpasses(2040, days=400)
    products = Products(Landscape(2040, HARBOUR))
    sandbox = ImagerySandbox(Archive(tuple(scenes), products))
    with RunningSandbox(sandbox.app()) as address:
        yield sandbox, address


@pytest.fixture
def sandbox(server: tuple[ImagerySandbox, str]) -> Iterator[ImagerySandbox]:
    found = server[0]
    yield found
    found.faults, found.mislabelled = [], False


@pytest.fixture
def address(server: tuple[ImagerySandbox, str]) -> str:
    return server[1]


@pytest.fixture
def scene(stac: SceneCatalog) -> Scene:
    return stac.search(months(6, 7))[0]


def target(address: str, name: str, path: str, key: str = "") -> Target:
    return Target(name, f"{address}/{path}", f"{address}/{path}", 2.0, key=key)


@pytest.fixture
def stac(address: str) -> SceneCatalog:
    return StacCatalog(target(address, "cdse_stac", "stac"), backoff=0.01)


@pytest.fixture
def dhus(address: str) -> SceneCatalog:
    return DhusCatalog(target(address, "hub", "dhus", "moi:secret"), backoff=0.01)


@pytest.fixture
def downloader(address: str) -> Downloader:
    tokens = Tokens(target(address, "cdse_identity", "token", f"{USER}:{PASSWORD}"))
    limits = Limits(attempts=4, backoff=0.0, deadline=2.0, max_bytes=10_000_000)
    service = target(address, "cdse_download", "odata/v1")
    return Downloader(service, tokens, limits, sleep=lambda _: None)


def months(first: int, last: int) -> SceneQuery:
    return SceneQuery(
        AREA,
        datetime(2026, first, 1, tzinfo=UTC),
        datetime(2026, last, 1, tzinfo=UTC),
        tile=TILE,
    )


@pytest.mark.parametrize("clouds", [100.0, 40.0])
def test_both_catalogues_tell_of_the_same_scenes(
    stac: SceneCatalog, dhus: SceneCatalog, clouds: float
) -> None:
    query = SceneQuery(
        AREA,
        datetime(2025, 12, 1, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        tile=TILE,
        max_cloud_cover=clouds,
    )
    one, other = stac.search(query), dhus.search(query)
    assert len(one) > 30
    assert [s.id for s in one] == [s.id for s in other]
    assert [s.published_at for s in one] == [s.published_at for s in other]
    assert [s.processing_version for s in one] == [s.processing_version for s in other]
    assert [s.cloud_cover for s in one] == [s.cloud_cover for s in other]
    assert {s.tile for s in one} == {TILE}
    assert len(newest_versions(one)) < len(one)


def test_withdrawn_scenes_are_in_no_list(
    sandbox: ImagerySandbox, stac: SceneCatalog
) -> None:
    gone = {one.id for one in sandbox.archive.scenes if one.is_withdrawn}
    assert gone
    assert not gone & {scene.id for scene in stac.search(months(1, 11))}


def test_a_single_scene_and_none_are_told_right_by_a_hub(dhus: SceneCatalog) -> None:
    """A hub makes an object of a list of one, and nothing of an empty one."""
    all_of_it = dhus.search(months(5, 6))
    first = all_of_it[0].sensed_at
    at_once = SceneQuery(AREA, first, first.replace(minute=59), tile=TILE)
    assert [scene.sensed_at for scene in dhus.search(at_once)] == [first]
    before = SceneQuery(
        AREA, datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)
    )
    assert dhus.search(before) == []


def test_a_place_that_no_scene_shows_has_none(
    stac: SceneCatalog, dhus: SceneCatalog
) -> None:
    elsewhere = mapping(shapely.box(2.0, 48.0, 2.5, 49.0))
    query = months(5, 6)
    query = SceneQuery(dict(elsewhere), query.start, query.end)
    assert stac.search(query) == dhus.search(query) == []


def test_a_hub_that_is_not_there_is_an_error() -> None:
    gone = "http://127.0.0.1:9"
    with pytest.raises(CatalogError, match="hub: ConnectionError"):
        DhusCatalog(Target("hub", gone, gone, 2.0, key="a:b"), backoff=0.0).search(
            months(5, 6)
        )


def test_the_client_itself_reads_the_sandbox(address: str) -> None:
    client = pystac_client.Client.open(f"{address}/stac")
    assert client.get_collection("sentinel-2-l2a").id == "sentinel-2-l2a"
    (first,) = client.search(collections=["sentinel-2-l2a"], max_items=1).items()
    assert first.datetime.date() <= TODAY
    assert {"B04_10m", "SCL_20m", "Product"} <= set(first.assets)


def test_the_hub_client_itself_fetches_a_whole_scene(
    sandbox: ImagerySandbox, address: str, tmp_path: Path
) -> None:
    api = sentinelsat.SentinelAPI(
        "moi", "secret", f"{address}/dhus/", show_progressbars=False
    )
    one = sandbox.archive.listed[0]
    assert api.get_product_odata(one.uuid)["title"] == one.id
    found = api.download(one.uuid, str(tmp_path))
    with zipfile.ZipFile(found["path"]) as archive:
        assert f"{one.id}.SAFE/manifest.safe" in archive.namelist()
        for path, content in sandbox.archive.products.files(one).items():
            assert archive.read(f"{one.id}.SAFE/{path}") == content


def test_nodes_assets_and_archive_are_the_same_bytes(
    stac: SceneCatalog, downloader: Downloader, tmp_path: Path
) -> None:
    scene = stac.search(months(6, 7))[0]
    names = ["B04", "B08", "SCL", "product"]
    red, _, _, product = downloader.fetch_all(scene, names, tmp_path)
    assert (red.status, red.algorithm) == (Status.VERIFIED, "sha3_256")
    assert (product.status, product.algorithm) == (Status.VERIFIED, "md5")
    with zipfile.ZipFile(product.path) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("_B04_10m.jp2")]
        assert archive.read(name) == red.path.read_bytes()
        manifest = archive.read(f"{scene.id}.SAFE/manifest.safe").decode()
    assert hashlib.sha3_256(red.path.read_bytes()).hexdigest() in manifest


def test_summer_is_greener_than_winter_and_the_sea_is_not(
    sandbox: ImagerySandbox,
    stac: SceneCatalog,
    downloader: Downloader,
    tmp_path: Path,
) -> None:
    means = {}
    for first, last in ((1, 3), (6, 9)):
        scenes = [
            s for s in stac.search(months(first, last)) if (s.cloud_cover or 0) < 5
        ]
        folder = tmp_path / str(first)
        folder.mkdir()
        red, nir = downloader.fetch_all(scenes[0], ["B04", "B08"], folder)
        ndvi = difference(
            *(
                reflectance(read_window(file.path, HARBOUR), scenes[0].assets[band])
                for file, band in ((nir, "B08"), (red, "B04"))
            )
        )
        cover = sandbox.archive.products.landscape.cover.repeat(2, 0).repeat(2, 1)
        means[first] = {code: float(ndvi[cover == code].mean()) for code in (0, 3)}
    assert means[6][3] > means[1][3] + 0.1
    assert means[1][0] < 0.0
    assert means[6][0] < 0.0


@pytest.mark.parametrize(
    "faults",
    [
        [FileFault.CORRUPT],
        [FileFault.CUT],
        [FileFault.CUT, FileFault.IGNORE_RANGE],
        [FileFault.HTTP_503],
        [FileFault.EXPIRED],
        [FileFault.HANG],
        [FileFault.CUT, FileFault.CORRUPT, FileFault.HTTP_503],
    ],
    ids="+".join,
)
def test_every_fault_that_passes_ends_in_the_right_bytes(
    sandbox: ImagerySandbox,
    scene: Scene,
    downloader: Downloader,
    tmp_path: Path,
    faults: list[FileFault],
) -> None:
    sandbox.faults = list(faults)
    (found,) = downloader.fetch_all(scene, ["B04"], tmp_path)
    assert found.status is Status.VERIFIED
    assert not sandbox.faults


@pytest.mark.parametrize(
    "staying",
    [
        (FileFault.CORRUPT, "its sha3_256 is another"),
        (FileFault.HTTP_503, "HTTP 503"),
        (FileFault.OFFLINE, "offline"),
        (FileFault.EXPIRED, "token was refused"),
    ],
)
def test_every_fault_that_stays_names_scene_and_cause(
    sandbox: ImagerySandbox,
    scene: Scene,
    downloader: Downloader,
    tmp_path: Path,
    staying: tuple[FileFault, str],
) -> None:
    fault, reason = staying
    sandbox.faults = [fault] * 10
    with pytest.raises(FetchError, match=f"{scene.id}: B04: .*{reason}"):
        downloader.fetch_all(scene, ["B04"], tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == []


def test_a_wrong_label_is_seen_through(sandbox: ImagerySandbox, address: str) -> None:
    sandbox.mislabelled = True
    client = pystac_client.Client.open(f"{address}/stac")
    (first,) = client.search(collections=["sentinel-2-l2a"], max_items=1).items()
    told = first.to_dict()["assets"]["manifest"]["file:checksum"]
    assert told.startswith("d50120")

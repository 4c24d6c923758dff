"""The files of a scene: bands as JPEG 2000, metadata, a manifest with their checksums.

What is in the archive, behind each node and at the address of each asset is the same
bytes, and so are the sums of them.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from lrtzc_pipelines.imagery.rasters import Grid
from lrtzc_pipelines.sandbox.imagery.landscape import Landscape
from lrtzc_pipelines.sandbox.imagery.overpasses import Overpass

METRES = {"B03": 10, "B04": 10, "B08": 10, "B11": 20, "SCL": 20}
_KEPT = 4
_WIDTH = 12


@dataclass
class Products:
    """The files of every scene, made when they are first asked for.

    Attributes:
        landscape: What is seen.
    """

    landscape: Landscape
    _made: OrderedDict[str, dict[str, bytes]] = field(
        default_factory=OrderedDict, repr=False
    )
    _sums: dict[tuple[str, str], tuple[int, str, str]] = field(
        default_factory=dict, repr=False
    )
    _lock: Lock = field(default_factory=Lock, repr=False)

    def files(self, one: Overpass) -> dict[str, bytes]:
        """The files of a scene by their path below its `.SAFE` folder."""
        with self._lock:
            if one.id not in self._made:
                self._made[one.id] = self._make(one)
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(one.id)
            return self._made[one.id]

    def sums(self, one: Overpass, path: str) -> tuple[int, str, str]:
        """Size, SHA3-256 and MD5 of a file; of the archive under the path ``."""
        key = (one.id, path)
        if key not in self._sums:
            content = self.files(one)[path] if path else self.archive(one)
            self._sums[key] = (
                len(content),
                hashlib.sha3_256(content).hexdigest(),
                hashlib.md5(content, usedforsecurity=False).hexdigest(),
            )
        return self._sums[key]

    def archive(self, one: Overpass) -> bytes:
        """The zip of a scene: the same whenever it is made."""
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
            for path, content in self.files(one).items():
                told = zipfile.ZipInfo(
                    f"{one.id}.SAFE/{path}", one.sensed_at.timetuple()[:6]
                )
                archive.writestr(told, content)
        return memory.getvalue()

    def _make(self, one: Overpass) -> dict[str, bytes]:
        bands = self.landscape.bands(one.sensed_at, one.cloud_share)
        files = {
            band_path(one, band): _jpeg_2000(bands[band], self.grid_of(band))
            for band in METRES
        }
        files["MTD_MSIL2A.xml"] = _metadata(one)
        return {"manifest.safe": _manifest(files)} | files

    def grid_of(self, band: str) -> Grid:
        """The cells of a band."""
        return self.landscape.grid.coarser(METRES[band] // 10)


def band_path(one: Overpass, band: str) -> str:
    """Where a band is below the `.SAFE` folder."""
    granule = f"L2A_T{one.tile}_A0{one.sensed_at:%y%j}_{one.sensed_at:%Y%m%dT%H%M%S}"
    metres = METRES[band]
    name = f"T{one.tile}_{one.sensed_at:%Y%m%dT%H%M%S}_{band}_{metres}m.jp2"
    return f"GRANULE/{granule}/IMG_DATA/R{metres}m/{name}"


def _jpeg_2000(numbers: npt.NDArray[np.generic], grid: Grid) -> bytes:
    with MemoryFile() as plain, MemoryFile(ext=".jp2") as packed:
        with plain.open(**grid.profile(numbers)) as out:
            out.write(numbers, 1)
        with rasterio.open(plain.name) as source:
            copy(
                source,
                packed.name,
                driver="JP2OpenJPEG",
                QUALITY="100",
                REVERSIBLE="YES",
                BLOCKXSIZE=1024,
                BLOCKYSIZE=1024,
            )
        return bytes(packed.read())


def _metadata(one: Overpass) -> bytes:
    offsets = "".join(
        f'<BOA_ADD_OFFSET band_id="{number}">-1000</BOA_ADD_OFFSET>'
        for number in range(_WIDTH + 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Level-2A_User_Product><General_Info>'
        f"<Product_Info><PRODUCT_URI>{one.id}.SAFE</PRODUCT_URI>"
        f"<PROCESSING_BASELINE>{one.baseline}</PROCESSING_BASELINE></Product_Info>"
        "<Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST>"
        "<BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>"
        f"</QUANTIFICATION_VALUES_LIST><BOA_ADD_OFFSET_VALUES_LIST>{offsets}"
        "</BOA_ADD_OFFSET_VALUES_LIST></Product_Image_Characteristics>"
        "</General_Info></Level-2A_User_Product>"
    ).encode()


def _manifest(files: dict[str, bytes]) -> bytes:
    objects = "".join(
        f'<dataObject ID="file_{number}"><byteStream '
        f'mimeType="application/octet-stream" size="{len(content)}">'
        f'<fileLocation locatorType="URL" href={quoteattr(f"./{path}")}/>'
        f'<checksum checksumName="SHA3-256">{hashlib.sha3_256(content).hexdigest()}'
        "</checksum></byteStream></dataObject>"
        for number, (path, content) in enumerate(files.items())
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><xfdu:XFDU '
        'xmlns:xfdu="urn:ccsds:schema:xfdu:1"><dataObjectSection>'
        f"{objects}</dataObjectSection></xfdu:XFDU>"
    ).encode()

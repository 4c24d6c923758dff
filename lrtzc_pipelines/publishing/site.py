"""The public page of a release: one file that needs nothing else to be read.

This module joins the sections and writes the file. Reading belongs to `site_data` and
`site_parking`, words and drawings to the `site_*`, `charts` and `map` modules, layout
to the templates.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2

from lrtzc_pipelines.publishing import site_data as data
from lrtzc_pipelines.publishing.site_figure import key_figure
from lrtzc_pipelines.publishing.site_mobility import bike_section, parking_section
from lrtzc_pipelines.publishing.site_parking import read_parking
from lrtzc_pipelines.publishing.site_sources import (
    banner,
    edition,
    empty_note,
    source_groups,
    source_note,
)
from lrtzc_pipelines.publishing.site_text import number, typeset
from lrtzc_pipelines.storage import write_bytes

PAGE_NAME = "index.html"
PUBLIC_FILE_MODE = 0o644
SHOWN = (
    "ore_residential_electricity",
    "larochelle_parking_history",
    "yelo_bike_stations",
)
OUTLINES = "geo_commune_contours"


def build_site(warehouse: Path, out_dir: Path) -> Path:
    """The path of the page written from a release's DuckDB file.

    Args:
        warehouse: The release's database, opened read-only.
        out_dir: Folder of the page, made if need be; the release's other files are
            expected in its parent.

    Returns:
        Path of the page, replaced whole.

    Raises:
        ReleaseError: A commune's outline is not a GeoJSON geometry.
    """
    page = render_page(warehouse)
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / PAGE_NAME
    write_bytes(path, page.encode(), mode=PUBLIC_FILE_MODE)
    return path


def render_page(warehouse: Path) -> str:
    """The page's HTML."""
    with data.opened(warehouse) as connection:
        release = data.read_release(connection)
        sources = data.read_sources(connection)
        ledger = data.read_ledger(connection)
        communes = data.read_communes(connection)
        outlines = data.read_outlines(connection)
        stations = data.read_stations(connection)
        parking = read_parking(connection)
    known = {source.source_id: source for source in sources}
    environment = _environment()
    css = environment.get_template("style.css").render()
    return environment.get_template("index.html.j2").render(
        css=css,
        css_hash=_csp_hash(css),
        banner=banner(release, sources),
        edition=edition(release, sources),
        is_live=release.origin == "live",
        commune_count=len(communes),
        population=number(sum(c.population_municipal or 0 for c in communes)),
        population_year=max((c.population_year or 0 for c in communes), default=0),
        figure=key_figure(ledger),
        parking=parking_section(parking),
        bikes=bike_section(outlines, stations, communes, known.get(OUTLINES)),
        sources=source_groups(sources, release.created_at),
        notes={name: source_note(known.get(name)) for name in SHOWN},
        empty_notes={name: empty_note(known.get(name)) for name in SHOWN},
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("lrtzc_pipelines.publishing", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=typeset,
    )


def _csp_hash(content: str) -> str:
    """The hash by which the page's policy allows its one style sheet."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"

"""Where the files of a source stand: specification, suite, models and test case.

They are all named after the source's id, so that a source is found, checked and
started by its id alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lrtzc_pipelines.sources.registry import ENDPOINTS_FILE, SOURCES_DIR, SUITES_DIR

PROJECT = SOURCES_DIR.parent.parent


@dataclass(frozen=True)
class Checkout:
    """Folders of the sources' files.

    Attributes:
        sources: Specifications and the endpoint file.
        suites: Suites.
        staging: The dbt staging models; absent from an installed package.
        cases: Test cases; absent from an installed package.
    """

    sources: Path
    suites: Path
    staging: Path
    cases: Path

    @classmethod
    def at(cls, root: Path, sources: Path | None = None) -> Checkout:
        """The folders of a checkout.

        Args:
            root: Top of the checkout.
            sources: Specifications to use instead of the checkout's.
        """
        package = root / SOURCES_DIR.parent.name
        return cls(
            sources=sources or package / SOURCES_DIR.name,
            suites=package / SUITES_DIR.parent.name / SUITES_DIR.name,
            staging=root / "dbt_project" / "models" / "staging",
            cases=root / "tests" / "sources" / "cases",
        )

    @property
    def is_own(self) -> bool:
        """Whether the specifications are those that suites and models belong to."""
        return self.sources.parent == self.suites.parent.parent

    @property
    def is_complete(self) -> bool:
        """Whether models and test cases are here, as in a clone of the project."""
        return self.is_own and self.staging.is_dir() and self.cases.is_dir()

    @property
    def endpoints(self) -> Path:
        """The endpoint file."""
        return self.sources / ENDPOINTS_FILE

    def spec(self, source_id: str) -> Path:
        """A source's specification."""
        return self.sources / f"{source_id}.yaml"

    def suite(self, source_id: str) -> Path:
        """A source's suite."""
        return self.suites / f"{source_id}.json"

    def case(self, source_id: str) -> Path:
        """The folder of a source's test case."""
        return self.cases / source_id

"""Every path the platform writes or reads at run time, and the modes they carry.

Raw, validated and quarantined data may be personal: they form a private zone that
only the owner of the process can enter. Nothing else builds a path by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PRIVATE_DIR_MODE = 0o700
PRIVATE_FILE_MODE = 0o600

LAYERS = ("raw", "validated", "anonymized")
"""Folders and assets of a source, in the order its data go through them."""

PRIVATE_ZONE = frozenset(
    {
        "raw",
        "validated",
        "quarantine",
        "ledger",
        "spool",
        "deposits",
        "inbox",
        "consents",
        "journal",
        "pseudonymised",
        "salts",
        # Its files are empty, but some have the names of partners.
        "locks",
    }
)
"""Folders below the data directory that may hold personal data; no other may."""


@dataclass(frozen=True)
class Layout:
    """Paths below one data directory."""

    data_dir: Path

    def raw(self, *parts: str) -> Path:
        """Folder of a source's raw bytes and their manifest (private).

        Args:
            parts: The source's id, and the day where it is partitioned by day; so for
                the folders below.
        """
        return self.private("raw", *parts)

    def validated(self, *parts: str) -> Path:
        """Folder of a source's validated Parquet and state (private)."""
        return self.private("validated", *parts)

    def quarantine(self, *parts: str) -> Path:
        """Folder of a source's refused rows (private)."""
        return self.private("quarantine", *parts)

    def anonymized(self, *parts: str) -> Path:
        """Folder of a source's anonymized Parquet and state."""
        return self.private("anonymized", *parts)

    def ledger(self, origin: str, *parts: str) -> Path:
        """Folder of what was released of a protected source, and of whom (private).

        Invented data and real ones have ledgers of their own.
        """
        return self.private("ledger", origin, *parts)

    def pseudonymised(self, *parts: str) -> Path:
        """Folder of a source's pseudonymised rows, which are personal (private)."""
        return self.private("pseudonymised", *parts)

    @property
    def salts(self) -> Path:
        """Folder of the salts of pseudonyms; deleting one destroys a key (private)."""
        return self.private("salts")

    def ledger_origins(self) -> list[str]:
        """Origins of data that a ledger was kept of."""
        folder = self.data_dir / "ledger"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    @property
    def purges(self) -> Path:
        """Journal of what the retention clock deleted, a line for each (private)."""
        return self.private("journal") / "purges.jsonl"

    @property
    def restarts(self) -> Path:
        """Journal of the series of releases that people started anew (private)."""
        return self.private("journal") / "restarts.jsonl"

    def spool(self, collector_id: str) -> Path:
        """Folder of the messages that a collector wrote down (private)."""
        return self.private("spool", collector_id)

    def deposits(self, form_id: str, depositor: str) -> Path:
        """Folder of the files that a partner deposited, and of receipts (private)."""
        return self.private("deposits", form_id, depositor)

    def inbox(self, form_id: str, depositor: str) -> Path:
        """Folder where a partner leaves files; made when the operator opens it."""
        return self.data_dir / "inbox" / form_id / depositor

    def depositors(self, form_id: str) -> list[str]:
        """Partners who may deposit, or did, by the names of their folders."""
        folders = [self.data_dir / kind / form_id for kind in ("inbox", "deposits")]
        return sorted(
            {
                path.name
                for folder in folders
                if folder.is_dir()
                for path in folder.iterdir()
                if (path.is_dir() or path.is_symlink()) and path.name[:1] != "."
            }
        )

    def consents(self, endpoint_id: str) -> Path:
        """File of the consents that an endpoint's personal data need (private)."""
        return self.data_dir / "consents" / f"{endpoint_id}.yaml"

    def private(self, *parts: str) -> Path:
        """A folder below the data directory that only its owner may enter.

        The data directory itself stays open to others: releases are for readers.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        path = self.data_dir
        for part in parts:
            path = path / part
            path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        return path

    @property
    def releases(self) -> Path:
        """Folder of the published releases; `current` in it names the newest."""
        return self.data_dir / "releases"

    @property
    def current_release(self) -> Path:
        """Symbolic link to the release that readers use."""
        return self.releases / "current"

    @property
    def current_release_id(self) -> str | None:
        """Id of the release that readers use; None before the first."""
        try:
            return self.current_release.readlink().name
        except FileNotFoundError:
            return None

    @property
    def build(self) -> Path:
        """Folder where warehouses are built aside before they are published."""
        return self.data_dir / "build"

    @property
    def building_now(self) -> Path:
        """Link to the folder of the build that is going on."""
        return self.build / "now"

    @property
    def dbt_target(self) -> Path:
        """Folder of dbt's manifest and parse cache."""
        return self.data_dir / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Folder of the embedded Dagster instance."""
        return self.data_dir / "dagster"

    def lock(self, name: str) -> Path:
        """File locked while the work called `name` goes on."""
        return self.private("locks") / f"{name}.lock"


class SeenLayout(Layout):
    """The same paths, for whoever only looks: no folder is made."""

    def private(self, *parts: str) -> Path:
        """A folder below the data directory, which may not be there."""
        return self.data_dir.joinpath(*parts)

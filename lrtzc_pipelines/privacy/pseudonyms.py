"""Pseudonyms: keyed hashes of identifiers, and the keys that can be destroyed.

A key is derived from one secret of the operator's and from a salt of its own for each
domain, dataset and period. Without the salt nobody can derive it again, not even who
has the secret: deleting the salt is destroying the key, and with it the way back from a
pseudonym. Whoever holds both can still single people out, so pseudonyms remain personal
data and never reach the warehouse.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import polars_hash  # noqa: F401 - brings the `chash` namespace
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.privacy.salts import destroy, salt

SECRET_BYTES = 32
PERIOD = re.compile(r"^\d{4}(?:-\d{2})?$")
"""A year or a month, during which pseudonyms stay the same."""

_PSEUDONYM_HEX = 32
_KEY_ID_CHARACTERS = 6
_HOW = (
    'make one with `python -c "import secrets; print(secrets.token_hex(32))"`, keep it '
    "apart from the data, and set LRTZC_PSEUDONYM_SECRET, or set "
    "LRTZC_PSEUDONYM_SECRET_FILE to a file that only its owner may read"
)


@dataclass(frozen=True)
class Key:
    """The key of one domain, dataset and period.

    Attributes:
        id: Tells keys apart, and nothing else.
    """

    id: str
    _hexadecimal: str = field(repr=False)

    def pseudonym(self, identifier: pl.Expr) -> pl.Expr:
        """The pseudonym of each identifier, `p<key id>_<32 hex digits>`.

        Spelling is settled first: white space and case do not make another person. The
        expression holds the key: it must not be logged, serialised or kept.
        """
        settled = identifier.cast(pl.String).str.replace_all(r"\s", "")
        hashing = settled.str.to_uppercase().chash  # type: ignore[attr-defined]
        hashed: pl.Expr = hashing.hmac_sha256(key=self._hexadecimal)
        return pl.lit(f"p{self.id}_") + hashed.str.head(_PSEUDONYM_HEX)


@dataclass(frozen=True)
class Keyring:
    """The operator's secret, with the salts that stand in the data directory.

    Attributes:
        folder: Private folder of the salts.
    """

    folder: Path
    _secret: bytes = field(repr=False)

    def key(self, domain: str, dataset: str, period: str) -> Key:
        """The key of a period; made if there never was one.

        Args:
            domain: What may be joined with what; different domains never can.
            dataset: Source id.
            period: A year or a month, `2026` or `2026-11`.
        """
        own = self._salt(domain, dataset, period)
        info = "\0".join(("lrtzc pseudonyms", domain, dataset, period)).encode()
        derived = HKDF(SHA256(), SECRET_BYTES, own, info).derive(self._secret)
        tag = hmac.digest(derived, b"key id", "sha256")
        key_id = base64.b32encode(tag).decode().lower()[:_KEY_ID_CHARACTERS]
        return Key(key_id, derived.hex())

    def destroy(self, domain: str, dataset: str, before: str) -> list[str]:
        """Destroys the keys of the periods before one; the periods.

        What was made with them can no longer be led back to anybody, nor continued.
        """
        return destroy_keys(self.folder, domain, dataset, before)

    def _salt(self, domain: str, dataset: str, period: str) -> bytes:
        if not PERIOD.match(period):
            msg = f"{period!r} is no period: YYYY or YYYY-MM"
            raise ValueError(msg)
        path = self.folder / domain / dataset / f"{period}.salt"
        return salt(path)


def destroy_keys(salts: Path, domain: str, dataset: str, before: str) -> list[str]:
    """Destroys the keys of the periods before one, for which no secret is needed.

    Args:
        salts: Private folder of the salts.
        domain: Domain of the pseudonyms.
        dataset: Source id.
        before: The first period to keep, a year or a month.
    """
    folder = salts / domain / dataset
    doomed = [
        path
        for path in sorted(folder.glob("*.salt"), key=lambda path: path.stem)
        # A year ends with its last month.
        if f"{path.stem}-13"[:7] < f"{before}-01"[:7]
    ]
    for path in doomed:
        destroy(path)
    return [path.stem for path in doomed]


def keyring(folder: Path, secret: str) -> Keyring:
    """The keyring of an installation.

    Args:
        folder: Private folder of the salts.
        secret: At least 64 hexadecimal digits.

    Raises:
        SettingsError: there is no secret, or it is too weak; says how to make one.
    """
    if not secret:
        msg = f"no secret for pseudonyms is set: {_HOW}"
        raise SettingsError(msg)
    try:
        raw = bytes.fromhex(secret.strip())
    except ValueError:
        msg = f"the secret for pseudonyms is not hexadecimal: {_HOW}"
        raise SettingsError(msg) from None
    if len(raw) < SECRET_BYTES or len(set(raw)) < SECRET_BYTES // 4:
        msg = f"the secret for pseudonyms is too weak: {_HOW}"
        raise SettingsError(msg)
    return Keyring(folder, raw)


def period_of(day: date, rotation: str) -> str:
    """The period that a day is in, for a rotation of `month` or `year`."""
    return f"{day:%Y-%m}" if rotation == "month" else f"{day:%Y}"

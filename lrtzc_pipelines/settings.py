"""The environment, read once: the only module that looks at environment variables.

Everything has a safe default except what a person must decide: the contact that
outside services see, and the keys of services that want one.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lrtzc_pipelines.errors import SettingsError


class Settings(BaseSettings):
    """Settings of one process, from `LRTZC_*` variables.

    Attributes:
        data_dir: Everything written at run time lives under it.
        contact: Mail address or page put in the User-Agent of requests that leave
            the machine; such requests are refused without it.
        endpoint: Replaced base URLs by endpoint id (`LRTZC_ENDPOINT__<ID>=http://…`).
        secret: Service keys by endpoint id (`LRTZC_SECRET__<ID>=…`).
        controller: Name and address of the data controller, for the register.
        data_protection_officer: How to reach the data protection officer.
        pseudonym_secret: Secret that the keys of pseudonyms are derived from, 64
            hexadecimal digits.
        pseudonym_secret_file: File that holds it instead, for its owner only.
        sources_dir: Specifications to use instead of the packaged ones.
        keep_releases: Releases kept on disk, the current one included.
        duckdb_memory: Memory limit of the warehouse build.
    """

    model_config = SettingsConfigDict(
        env_prefix="LRTZC_", env_nested_delimiter="__", extra="ignore"
    )

    data_dir: Path = Path("data")
    contact: str = ""
    endpoint: dict[str, str] = Field(default_factory=dict)
    secret: dict[str, SecretStr] = Field(default_factory=dict)
    controller: str = ""
    data_protection_officer: str = ""
    pseudonym_secret: SecretStr = SecretStr("")
    pseudonym_secret_file: Path | None = None
    sources_dir: Path | None = None
    keep_releases: int = Field(default=10, ge=2)
    duckdb_memory: str = "256MB"

    @field_validator("data_dir", "sources_dir", "pseudonym_secret_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    def secret_of_pseudonyms(self) -> str:
        """The secret of pseudonyms, from the environment or from its file; maybe none.

        Raises:
            SettingsError: the file cannot be read, or others can read it.
        """
        if self.pseudonym_secret_file is None:
            return self.pseudonym_secret.get_secret_value()
        path = self.pseudonym_secret_file
        try:
            mode = path.stat().st_mode
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"LRTZC_PSEUDONYM_SECRET_FILE: {path} cannot be read"
            raise SettingsError(msg) from error
        if mode & 0o077:
            msg = (
                f"LRTZC_PSEUDONYM_SECRET_FILE: others than its owner can read {path}: "
                "`chmod 600` it, and make another secret if they may have"
            )
            raise SettingsError(msg)
        return text.strip()

    @field_validator("endpoint", "secret")
    @classmethod
    def _lower_ids(cls, value: dict[str, object]) -> dict[str, object]:
        return {key.lower(): item for key, item in value.items()}

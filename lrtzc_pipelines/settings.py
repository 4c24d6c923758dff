"""The environment, read once: the only module that looks at environment variables.

Everything has a safe default except what a person must decide: the contact that
outside services see, and the keys of services that want one.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process, from `LRTZC_*` variables.

    Attributes:
        data_dir: Everything written at run time lives under it.
        contact: Mail address or page put in the User-Agent of requests that leave
            the machine; such requests are refused without it.
        endpoint: Replaced base URLs by endpoint id (`LRTZC_ENDPOINT__<ID>=http://…`).
        secret: Service keys by endpoint id (`LRTZC_SECRET__<ID>=…`).
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
    sources_dir: Path | None = None
    keep_releases: int = Field(default=10, ge=2)
    duckdb_memory: str = "256MB"

    @field_validator("data_dir", "sources_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    @field_validator("endpoint", "secret")
    @classmethod
    def _lower_ids(cls, value: dict[str, object]) -> dict[str, object]:
        return {key.lower(): item for key, item in value.items()}

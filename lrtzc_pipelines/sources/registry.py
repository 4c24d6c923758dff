"""Finds and loads the specifications; every mistake is told with file and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.links import link_problems
from lrtzc_pipelines.sources.registers import register_problems
from lrtzc_pipelines.sources.spec import Endpoint, SourceSpec

SOURCES_DIR = Path(__file__).parent
SUITES_DIR = SOURCES_DIR.parent / "expectations" / "suites"
ENDPOINTS_FILE = "endpoints.yaml"


class _UniqueKeyLoader(yaml.CSafeLoader):
    """A safe loader that refuses a key written twice instead of keeping the last.

    Parsing in C: every command reads every specification, 10 times as fast.
    """

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - signature of the overridden method
    ) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                msg = f"key {key!r} is written twice (block starting at line {line})"
                raise yaml.YAMLError(msg)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; SpecError names the file if there is none."""
    if not path.exists():
        msg = f"{path.name}: no such file in {path.parent}"
        raise SpecError(msg)
    try:
        loaded = yaml.load(path.read_text("utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{path.name}: not readable as YAML: {error}"
        raise SpecError(msg) from error
    if not isinstance(loaded, dict):
        msg = f"{path.name}: expected a mapping of fields"
        raise SpecError(msg)
    return loaded


def explain(path: Path, data: dict[str, Any], error: ValidationError) -> SpecError:
    """A SpecError that gives one line per problem: file, field, what is wrong."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        where = _field_path(data, problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = "unknown key"
        lines.append(f"{path.name}: {where or 'specification'}: {text}")
    return SpecError("\n".join(dict.fromkeys(lines)))


def _field_path(data: object, loc: tuple[int | str, ...]) -> str:
    parts: list[str] = []
    for step in loc:
        if isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
            name = data.get("name") if isinstance(data, dict) else None
            parts.append(f"[{name or step}]")
            continue
        if isinstance(data, dict) and step in data:
            data = data[step]
            parts.append(f".{step}")
        elif step == loc[-1] and isinstance(data, dict):
            parts.append(f".{step}")
    return "".join(parts).lstrip(".")


def load_source(path: Path) -> SourceSpec:
    """The specification in one YAML file, whose stem must be its id."""
    data = read_yaml(path)
    try:
        spec = SourceSpec.model_validate(data)
    except ValidationError as error:
        raise explain(path, data, error) from None
    if spec.id != path.stem:
        msg = f"{path.name}: id: is {spec.id!r}, the file name says {path.stem!r}"
        raise SpecError(msg)
    return spec


def load_sources(directory: Path = SOURCES_DIR) -> dict[str, SourceSpec]:
    """Every specification in `directory` by id, sorted.

    Raises:
        SpecError: one file does not load, or names an endpoint that is not declared,
            or sources that are linked do not agree, or a register does not fit.
    """
    endpoints = load_endpoints(directory)
    specs = {}
    for path in sorted(directory.glob("*.yaml")):
        if path.name == ENDPOINTS_FILE:
            continue
        spec = load_source(path)
        if spec.endpoint not in endpoints:
            msg = f"{path.name}: endpoint: {spec.endpoint!r} is not in {ENDPOINTS_FILE}"
            raise SpecError(msg)
        specs[spec.id] = spec
    if problems := [f"{name}.yaml: {text}" for name, text in link_problems(specs)]:
        raise SpecError("\n".join(problems))
    for spec in specs.values():
        for problem in register_problems(spec, specs):
            msg = f"{spec.id}.yaml: protection: {problem}"
            raise SpecError(msg)
    return specs


def load_endpoints(directory: Path = SOURCES_DIR) -> dict[str, Endpoint]:
    """Every declared endpoint by id, as written: no override applied."""
    path = directory / ENDPOINTS_FILE
    data = read_yaml(path)
    for name, fields in data.items():
        if not isinstance(fields, dict):
            msg = f"{path.name}: {name}: expected a mapping of fields"
            raise SpecError(msg)
        data[name] = {"id": name, **fields}
    try:
        return TypeAdapter(dict[str, Endpoint]).validate_python(data)
    except ValidationError as error:
        raise explain(path, data, error) from None

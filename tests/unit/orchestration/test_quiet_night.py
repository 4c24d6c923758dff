"""A command that finds nothing new: what it tells, and what it does without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from town import COUNTS, GOOD, TREES, Town, source

from lrtzc_pipelines import asking, running, runs
from lrtzc_pipelines.asking import Asked, ask, by_day, to_ask
from lrtzc_pipelines.collecting import Evidence
from lrtzc_pipelines.errands import Errands
from lrtzc_pipelines.errors import NothingYet
from lrtzc_pipelines.gathering import Errand, Gathering
from lrtzc_pipelines.instance import unfinished_mark
from lrtzc_pipelines.resources import platform
from lrtzc_pipelines.run_summary import summarize_sources
from lrtzc_pipelines.settings import Settings

DAY = date(2026, 11, 5)


@pytest.fixture
def errands(town: Town) -> Errands:
    return Errands(
        town.layout,
        town.platform.settings,
        town.platform.endpoints,
        lambda *_: None,
    )


@pytest.fixture
def asked(town: Town, errands: Errands) -> Iterator[Asked]:
    with ask(town.platform.specs.values(), errands) as found:
        yield found


# What needs a run


def test_what_was_never_collected_is_news(town: Town, asked: Asked) -> None:
    news, quiet = asked.split(town.suites, town.layout)
    assert [part.id for part in news] == [COUNTS, TREES]
    assert quiet == {}


def test_what_is_processed_already_is_quiet(town: Town, errands: Errands) -> None:
    town.night()
    with ask(town.platform.specs.values(), errands) as again:
        news, quiet = again.split(town.suites, town.layout)
    assert news == []
    assert {name: [c.evidence for c in found] for name, found in quiet.items()} == {
        COUNTS: [Evidence.VALIDATORS],
        TREES: [Evidence.VALIDATORS],
    }


def test_what_waits_to_be_processed_is_news_though_nothing_changed(
    town: Town, errands: Errands
) -> None:
    town.collect()
    with ask(town.platform.specs.values(), errands) as again:
        news, _ = again.split(town.suites, town.layout)
    assert [part.id for part in news] == [COUNTS, TREES]


def test_a_service_that_fails_is_news_and_the_others_are_not(
    town: Town, errands: Errands
) -> None:
    town.night()
    town.files.contents[TREES] = None
    with ask(town.platform.specs.values(), errands) as again:
        news, quiet = again.split(town.suites, town.layout)
    assert [part.id for part in news] == [TREES]
    assert list(quiet) == [COUNTS]


def test_what_is_not_there_yet_is_no_news(town: Town) -> None:
    def nothing() -> Any:
        msg = "nobody deposited anything"
        raise NothingYet(msg)

    (spec, _) = town.platform.specs.values()
    gathering = Gathering({spec.label: Errand("host", nothing)})
    with Asked((spec,), gathering, {None: "r1"}) as asked:
        assert asked.split(town.suites, town.layout) == ([], {COUNTS: []})


def test_days_of_a_source_are_asked_for_one_by_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "last_complete_day", lambda _: DAY)
    whole, other = town.platform.specs.values()
    daily = other.model_copy(
        update={"partitioning": "daily", "first_day": DAY, "late_days": 3}
    )
    parts = to_ask([whole, daily], since=date(2026, 11, 1))
    assert by_day(parts) == {None: [COUNTS], "2026-11-05": [TREES]}


# The runs that record it


def test_what_was_collected_is_recorded_by_its_run_and_not_asked_for_again(
    command: Callable[[], dict[str, Any]], town: Town, asked: Asked
) -> None:
    news, _ = asked.split(town.suites, town.layout)
    requests = len(town.files.asked)
    runs.run_collection(Settings(), asked, news, news)
    assert len(town.files.asked) == requests
    assert town.pending == []
    with runs.local_instance(town.layout) as instance:
        assert instance.get_run_by_id(asked.run_ids[None])
    assert command()["sources"][0]["state"] == "unchanged"


# The whole command


@pytest.fixture
def command(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, Any]]:
    """What the child of `lrtzc refresh` says, for the town's sources."""
    sources = tmp_path / "sources"
    monkeypatch.setenv("LRTZC_SOURCES_DIR", str(sources))
    monkeypatch.setenv("DAGSTER_HOME", str(town.layout.private("dagster")))
    monkeypatch.setattr(running, "load_suite", lambda spec: town.suites[spec.id])
    monkeypatch.setattr(runs, "load_suites", lambda _: town.suites)
    monkeypatch.setattr(running, "_parse_models_meanwhile", lambda _: None)
    return lambda: running.collect(Settings(), [COUNTS, TREES])


def test_a_night_with_news_runs_and_tells(
    command: Callable[[], dict[str, Any]], town: Town
) -> None:
    told = command()
    assert {entry["state"] for entry in told["sources"]} == {"changed"}
    assert {entry["evidence"] for entry in told["sources"]} == {"content"}
    assert [entry["published"] for entry in told["sources"]] == [20, 20]
    assert town.pending == []
    assert not unfinished_mark(town.layout).exists()


def test_a_night_without_news_runs_nothing_and_tells_what_it_asked(
    command: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command()
    monkeypatch.setattr(runs, "run_collection", None)
    for entry in command()["sources"]:
        assert (entry["state"], entry["evidence"]) == ("unchanged", "validators")
        assert (entry["requests"], entry["bytes"], entry["reason"]) == (1, 0, None)


def test_only_what_changed_is_run(
    command: Callable[[], dict[str, Any]], town: Town
) -> None:
    command()
    town.files.contents[TREES] = GOOD + "21;210\n"
    counts, trees = command()["sources"]
    assert (counts["state"], counts["requests"]) == ("unchanged", 1)
    assert (trees["state"], trees["published"], trees["requests"]) == ("changed", 21, 1)


def test_another_rule_takes_effect_without_a_download(
    command: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    command()
    edited = source(TREES)
    edited["columns"][1]["privacy"] = {"generalize": {"step": 100}}
    (tmp_path / "sources" / f"{TREES}.yaml").write_text(yaml.safe_dump(edited))
    # A command is a process of its own, and reads the specifications once.
    platform._specs.cache_clear()
    counts, trees = command()["sources"]
    assert (counts["state"], trees["state"]) == ("unchanged", "changed")
    assert (trees["requests"], trees["bytes"], trees["published"]) == (1, 0, 20)


def test_a_failure_is_told_by_its_run(
    command: Callable[[], dict[str, Any]], town: Town
) -> None:
    command()
    town.files.contents[TREES] = None
    asked = len(town.files.asked)
    counts, trees = command()["sources"]
    assert (counts["state"], trees["state"]) == ("unchanged", "failed")
    assert "HTTP 404" in trees["reason"]
    assert len(town.files.asked) == asked + 2


def test_runs_that_a_crash_left_are_ended_though_nothing_is_new(
    command: Callable[[], dict[str, Any]],
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command()
    unfinished_mark(town.layout).touch()
    ended: list[object] = []
    monkeypatch.setattr(runs, "end_abandoned_runs", ended.append)
    command()
    assert len(ended) == 1
    command()
    assert len(ended) == 1


@pytest.mark.usefixtures("command")
def test_a_command_that_dies_leaves_a_mark(town: Town) -> None:
    with pytest.raises(ZeroDivisionError), runs.local_instance(town.layout):
        divmod(1, 0)
    assert unfinished_mark(town.layout).exists()


@pytest.mark.parametrize("library", ["dagster", "great_expectations", "dbt"])
def test_asking_loads_no_library_of_the_runs(library: str) -> None:
    program = (
        "import sys; import lrtzc_pipelines.running;"
        f"sys.exit({library!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# Summaries


def test_the_days_of_a_source_are_added_up(asked: Asked) -> None:
    found = asked.gathering.result(COUNTS)
    (entry,) = summarize_sources([COUNTS], [], {COUNTS: [found, found]})
    assert (entry["requests"], entry["bytes"]) == (2, 2 * found.bytes_received)
    assert entry["evidence"] == "content"

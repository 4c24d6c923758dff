"""What `lrtzc sources new` says: what it wrote, what to review, what comes next."""

from __future__ import annotations

from pathlib import Path

from lrtzc_pipelines.cli.output import messages, print_rows
from lrtzc_pipelines.cli.scaffold import Scaffold
from lrtzc_pipelines.conforming import COLUMN, RULE, conform
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.checking import PLACEHOLDER


def report(scaffold: Scaffold, sample: Path | None) -> None:
    """Prints the files, the columns with their rules, and the next steps."""
    spec = scaffold.spec
    print_rows(
        [
            {
                "column": draft.column.name,
                "from": draft.column.source,
                "type": str(draft.column.type),
                "privacy": draft.column.privacy,
                "why": draft.why,
            }
            for draft in scaffold.drafts
        ],
        as_json=False,
        title=f"{spec.id}: review every privacy rule",
    )
    say = messages()
    for path in scaffold.files:
        verb = "changed" if path in scaffold.changed else "written"
        say.print(f"{verb}: {path}", markup=False, soft_wrap=True)
    for line in [*_about_sample(scaffold, sample), *_next_steps(scaffold)]:
        say.print(line, markup=False, soft_wrap=True)


def _about_sample(scaffold: Scaffold, sample: Path | None) -> list[str]:
    """How well the specification reads the sample it comes from."""
    if sample is None:
        return ["The columns are placeholders: start again with --from-file, or edit."]
    body = sample.read_bytes()
    page = StoredPage("sample", sample.suffix, "", "", len(body))
    read = conform(scaffold.spec, parse(scaffold.spec, [(page, body)]))
    lines = [
        f"Sample: {read.continuity.received} rows, {read.rows.height} readable, "
        f"{read.continuity.repeats} repeats, {read.refused.height} refused; "
        "none of it was copied."
    ]
    reasons = read.refused.group_by(RULE, COLUMN).len().sort(RULE, COLUMN)
    return lines + [
        f"  {rule} ({column}): {count} rows" for rule, column, count in reasons.rows()
    ]


def _next_steps(scaffold: Scaffold) -> list[str]:
    spec = scaffold.spec
    key = [name for name in spec.primary_key if spec.column(name).privacy == "drop"]
    dropped = [f"The key ({', '.join(key)}) is not published."] if key else []
    return [
        *dropped,
        "A dropped column never leaves the private zone. Before you change one to "
        "`keep`,",
        "make sure that no person can be found by it, alone or with other columns. At "
        "least",
        "one column must be kept, or there is no table to build.",
        "Next:",
        f"  1. edit {spec.id}.yaml: licence, tier, texts that say « {PLACEHOLDER} », "
        "privacy",
        f"  2. lrtzc sources check --write && lrtzc sources case {spec.id} --write",
        f"  3. lrtzc refresh --source {spec.id}",
        f'  4. lrtzc query "select * from stg_{spec.id} limit 10"',  # noqa: S608 - shown, not run
    ]

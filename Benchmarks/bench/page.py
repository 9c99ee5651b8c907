"""The results as a table of text, as JSON, and as the page docs/benchmarks.md with its charts."""

import json
from pathlib import Path

from . import chart

INTRODUCTION = """\
# Benchmarks

Every path beside what one would use instead, on the same work, measured by `Scripts/bench`. A ratio counts; a time says
something about one machine only. This page, its charts and `benchmarks.json` are written by that script.

- Both sides run in turn, {rounds}; the fastest run of each counts.
- Before a time counts, the rows that both wrote are counted and hashed, and must be the same. Left aside are
  `run_id`, `logical_date`, `ordinal` and `changed_at`, which say when a row was written.
- CPU is that of the client with all its processes, in user and kernel mode; a database server's stands apart. Peak
  memory is that of the biggest process; 9 MB is the least that can be seen.
- What the peers do can be read in `Benchmarks/peers`: they are meant to be as a good engineer would write them.
"""


def write(document, folder):
    """benchmarks.json, benchmarks.md and the charts."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    charts = {}
    for row in document["rows"]:
        if row["figures"].get("series"):
            charts[row["name"]] = f"benchmarks/{row['name']}.svg"
            (folder / "benchmarks").mkdir(exist_ok=True)
            (folder / charts[row["name"]]).write_text(chart.draw(row), encoding="utf-8")
    (folder / "benchmarks.md").write_text(markdown(document, charts), encoding="utf-8")


def markdown(document, charts):
    rounds = "once" if document["runs"] == 1 else f"{document['runs']} times each"
    parts = [INTRODUCTION.format(rounds=rounds)]
    if document["size"] != "full" or not document["is_whole"]:
        parts.append("**These are figures of a small or partial run, for looking at, not for quoting.**\n")
    parts.append(table(document))
    remarks = [f"- `{row['name']}` wasn't measured: {row['skipped']}." for row in document["rows"] if row["skipped"]]
    remarks += [f"- `{row['name']}` **failed**: {row['failed']}" for row in document["rows"] if row["failed"]]
    disturbed = [f"`{row['name']}`" for row in document["rows"] if row["disturbed"]]
    if disturbed:
        remarks.append(f"- Others used more than a tenth of the machine during: {', '.join(disturbed)}.")
    parts += ["\n".join(remarks) + "\n"] if remarks else []
    parts += ["## More of each row\n", more(document)]
    if charts:
        parts.append("## How cost grows\n")
        parts += [f"![{row['work']}]({charts[row['name']]})\n" for row in document["rows"] if row["name"] in charts]
    parts += ["## The machine\n", machine(document)]
    return "\n".join(parts)


def table(document):
    heads = ["", "work", "beside", "theirs", "ours", "ratio", "to reach", "CPU, theirs → ours", "peak memory"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in document["rows"]:
        if row["skipped"] or row["failed"]:
            continue
        cells = [f"`{row['name']}`", *(row[key] for key in ("work", "peer", "theirs", "ours", "ratio"))]
        cells += [row["target"] + mark(row), row["cpu"], row["peak"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def mark(row):
    return {True: ": reached", False: ": **not reached**", None: ""}[row["reached"]]


def more(document):
    lines = ["| | | theirs | ours |", "|---|---|---|---|"]
    for row in document["rows"]:
        for side in ("theirs", "ours"):
            figures = row["figures"].get(side)
            if isinstance(figures, dict):
                row.setdefault("medians", {})[side] = f"{figures['median_seconds']:.2f} s"
        facts = [("median", row["medians"]["theirs"], row["medians"]["ours"])] if row.get("medians") else []
        for what, theirs, ours in [*facts, *row["facts"]]:
            lines.append(f"| `{row['name']}` | {what} | {theirs} | {ours} |")
    return "\n".join(lines) + "\n"


def machine(document):
    found = document["machine"]
    programs = ", ".join(f"{name} {version}" for name, version in found["programs"].items())
    return (
        f"{found['cores']} cores of {found['processor']}, {found['memory_gib']} GiB, {found['system']}, files on"
        f" {found['file_system']}; load before the start {document['load_before']:.1f}. {programs}.\n"
    )


def text_table(document):
    """For a terminal: the columns that matter, as wide as they must be."""
    head = ["row", "theirs", "ours", "ratio", "to reach", "CPU", "peak"]
    rows = [head]
    for row in document["rows"]:
        if row["skipped"] or row["failed"]:
            rows.append([row["name"], "left out" if row["skipped"] else "FAILED", row["skipped"] or row["failed"]])
            continue
        verdict = {True: " ✓", False: " ✗", None: ""}[row["reached"]]
        cells = [row[key] for key in ("theirs", "ours", "ratio")]
        rows.append([row["name"], *cells, row["target"] + verdict, row["cpu"], row["peak"]])
    widths = [max(len(row[place]) for row in rows if len(row) == len(head)) for place in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     if len(row) == len(head) else f"{row[0].ljust(widths[0])}  {row[1]}: {row[2]}"
                     for row in rows)  # fmt: skip

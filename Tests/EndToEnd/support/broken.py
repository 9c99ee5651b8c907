"""Broken pipelines with what is to be said of them, from tables of text.

A case begins with `## its title`. Below each line of YAML stands what is wrong with it, with a caret under the place:

    batch_size: 0
                ^ error: 'batch_size' must be a whole number, from 1 to 10000, not '0'

`schema misses: why` says that a JSON Schema can't see it. A table's own comments stand above its first case.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

TABLES = Path(__file__).parent.parent / "broken"
MARK = re.compile(r"^\s*\^ ((?:error|warning): .*)$")


@dataclass
class BrokenFile:
    title: str
    table: str
    lines: list = field(default_factory=list)
    #: `line:column: error: …`, in the order of the table
    told: list = field(default_factory=list)
    #: why a JSON Schema can't see what is wrong; None where it can
    schema_misses: str | None = None

    @property
    def name(self):
        return f"{self.table}-" + re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)


def broken_files():
    """All cases of all tables."""
    cases = []
    for table in sorted(TABLES.glob("*.txt")):
        case = None
        for line in table.read_text().splitlines():
            if line.startswith("## "):
                case = BrokenFile(line[3:], table.stem)
                cases.append(case)
            elif case is None:
                assert line.startswith("#") or not line, f"{table.name}: {line!r} belongs to no case"
            elif found := MARK.match(line):
                case.told.append(f"{max(len(case.lines), 1)}:{line.index('^') + 1}: {found[1]}")
            elif line.startswith("schema misses: "):
                case.schema_misses = line.removeprefix("schema misses: ")
            else:
                case.lines.append(line)
    for case in cases:
        while case.lines and not case.lines[-1]:
            case.lines.pop()
    assert len({case.name for case in cases}) == len(cases), "two cases have one title"
    return cases

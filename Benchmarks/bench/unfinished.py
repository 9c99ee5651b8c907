"""The rows that are measured so far, so that a stop in the second hour doesn't cost the first."""

import hashlib
import json
from pathlib import Path


class Unfinished:
    def __init__(self, path, about, program):
        self.path = path
        # The program itself counts, and not what the sources beside it are like meanwhile.
        programs = {**about["machine"]["programs"], "commit": hashlib.sha256(Path(program).read_bytes()).hexdigest()}
        self.about = {**about, "machine": {**about["machine"], "programs": programs}}

    def read(self):
        """{row: its results}; nothing where none were kept, or they are of another machine, program or size."""
        if not self.path.exists():
            return {}
        kept = json.loads(self.path.read_text(encoding="utf-8"))
        # Failed rows are measured again.
        rows = {name: results for name, results in kept["rows"].items() if not any(one["failed"] for one in results)}
        return rows if kept["about"] == self.about else {}

    def write(self, rows):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(".new")
        aside.write_text(json.dumps({"about": self.about, "rows": rows}, ensure_ascii=False), encoding="utf-8")
        aside.replace(self.path)

    def remove(self):
        self.path.unlink(missing_ok=True)

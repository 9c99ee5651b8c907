"""Archive → NDJSON, beside gzip and json of Python's own library."""

import subprocess

from ..contest import Side, compete
from ..data import files
from ..data.population import Population
from ..measuring import measure
from ..results import count, of_contest, size
from ..row import Row
from ..stores import ndjson
from ..workbench import DATE, RUN


class ToNDJSON(Row):
    peer = "Python: gzip and json, level 6"

    def __init__(self, compression):
        self.compression = compression
        self.name = {"gzip": "archive-ndjson-gz", "zstd": "archive-ndjson-zst"}[compression]

    def why_not(self, bench):
        if self.compression == "gzip":
            return ""
        described = subprocess.run([bench.sluice, "plugins", "ndjson"], capture_output=True, text=True, check=False)
        return "" if "zstd" in described.stdout else "this program doesn't know `compression: zstd`"

    def measure(self, bench):
        endpoints = bench.sized(500, 20_000, 200_000)
        folder = bench.folder("archive-ndjson")
        archive = files.archive(Population(gaps=True), endpoints, folder / "export.gz", level=6)
        sink = {"type": "ndjson", "path": "out"}
        sink.update({"level": 6} if self.compression == "gzip" else {"compression": self.compression})

        def ours(place):
            sample = bench.run(place, bench.archive_source(archive), [sink])
            sample.facts["bytes"] = sum(path.stat().st_size for path in place.glob("out/runs/*/*/*.ndjson.*"))
            return sample

        def theirs(place):
            sample = measure(bench.python("archive_to_ndjson.py", archive, place, RUN, DATE), place)
            sample.facts["bytes"] = sum(path.stat().st_size for path in place.glob("*.ndjson.gz"))
            return sample

        samples = compete(
            bench,
            Side(ours, lambda place, _: ndjson.ours(place / "out")),
            Side(theirs, lambda place, _: ndjson.theirs(place)),
        )
        rows = samples[0][0].facts["rows"]
        words = {"gzip": "NDJSON.gz, level 6", "zstd": "NDJSON.zst"}[self.compression]
        work = f"archive (.gz) → {words}, {count(endpoints)} endpoints, {count(rows)} rows"
        least = {"gzip": 7, "zstd": 12}[self.compression]
        sizes = [size(side[0].facts["bytes"]) for side in reversed(samples)]
        return of_contest(self, work, samples, endpoints, "an endpoint", least, facts=[("bytes of output", *sizes)])

"""What a call costs that does nothing, and what it costs to cut an archive into shards."""

import shutil
from statistics import median

from ..contest import require_equal
from ..data import files
from ..data.population import Population
from ..measuring import measure
from ..results import Result, count, is_disturbed, seconds, size
from ..row import Row
from ..stores import ndjson

FILES = 8


class Validate(Row):
    name = "validate"

    def measure(self, bench):
        folder = bench.folder("validate")
        users = files.ids(Population(), 3, folder / "users.txt")
        source = bench.api_source("http://127.0.0.1:1", users)
        path = bench.pipeline(folder, source, [{"type": "sqlite", "path": "out.sqlite"}])
        samples = [measure([bench.sluice, "validate", path], folder) for _ in range(bench.sized(2, 15, 40))]
        middle = median(sample.wall for sample in samples)
        return Result(
            name=self.name,
            work="`sluice validate` of one pipeline, the whole process",
            peer=self.peer,
            target="≤ 60 ms",
            ours=seconds(middle),
            reached=middle <= 0.06,
            cpu=f"{median(sample.cpu for sample in samples) * 1000:.0f} ms",
            peak=size(max(sample.peak for sample in samples)),
            facts=[("fastest", "", seconds(min(sample.wall for sample in samples)))],
            disturbed=is_disturbed(samples),
            figures={"seconds": [sample.wall for sample in samples]},
        )


class Shards(Row):
    name = "shards"
    peer = "one run of the same archive"

    def measure(self, bench):
        endpoints = bench.sized(800, 80_000, 400_000)
        folder = bench.folder("shards")
        archive = files.archives(Population(), endpoints, folder / "export", FILES)
        source, sink = bench.archive_source(archive), {"type": "ndjson", "path": "out", "compression": "zstd"}
        whole, cut = [], []
        for _ in range(min(bench.runs, 3)):
            one, many = bench.folder("whole"), bench.folder("cut")
            whole.append(bench.run(one, source, [sink]))
            cut.append([bench.run(many, source, [sink], "--shard", f"{number}/{FILES}") for number in range(FILES)])
            require_equal(ndjson.of_shards(many / "out"), ndjson.of_shards(one / "out"))
            shutil.rmtree(one)
            shutil.rmtree(many)
        alone = min(sample.cpu for sample in whole)
        together = min(sum(sample.cpu for sample in samples) for samples in cut)
        everything = [*whole, *(sample for samples in cut for sample in samples)]
        return Result(
            name=self.name,
            work=f"archive of {FILES} files in {FILES} shards, one by one → NDJSON.zst, {count(endpoints)} endpoints: CPU",
            peer=self.peer,
            target="≤ 1.15 ×",
            theirs=seconds(alone),
            ours=seconds(together),
            ratio=f"{together / alone:.2f} ×",
            reached=together <= 1.15 * alone,
            cpu=f"{alone / endpoints * 1e6:.1f} → {together / endpoints * 1e6:.1f} µs an endpoint",
            peak=size(max(sample.peak for sample in everything)),
            disturbed=is_disturbed(everything),
            figures={"one_run_cpu": alone, "shards_cpu": together},
        )

"""How time and memory grow with the work. Each row is a chart of the page; the program is measured alone."""

import shutil
from dataclasses import dataclass

from ..data import files
from ..data.population import Population
from ..results import Result, count, is_disturbed, seconds, size
from ..row import Row
from ..servers.nginx import Nginx

MEMORY = 120 * 2**20
#: From here on every cache and buffer that has a bound is full, so that what still grows would grow for ever.
FULL = 100_000
#: The stores, in the order in which a row adds them.
SINKS = ("NDJSON", "SQLite", "Postgres")


@dataclass
class Point:
    series: str
    x: int
    sample: object


class Growth(Row):
    """`points(bench)` yields what was measured. The row of the table compares the first series' ends."""

    #: What the chart's x axis counts.
    axis = ""
    work = ""
    #: Whether memory is to be the same at both ends, once there are enough for that to be judged.
    is_flat = False

    def points(self, bench):
        raise NotImplementedError

    def measure(self, bench):
        points = list(self.points(bench))
        series = {}
        for point in points:
            sample = point.sample
            series.setdefault(point.series, []).append([point.x, sample.wall, sample.cpu, sample.peak])
        first = next(iter(series.values()))
        if self.is_flat and first[-1][0] > FULL:
            first = [point for point in first if point[0] >= FULL]
        (least, *_, low), (most, *_, high) = first[0], first[-1]
        highest = max(point.sample.peak for point in points)
        facts = [
            (f"{name}, {self.axis}: {count(x)} (time, CPU, memory)", "", f"{seconds(t)}, {seconds(cpu)}, {size(peak)}")
            for name, line in series.items()
            for x, t, cpu, peak in line
        ]
        return Result(
            name=self.name,
            work=f"{self.work}: peak memory at {count(least)} and {count(most)} ({self.axis})",
            peer=self.peer,
            target="≤ 126 MB (120 MiB), no growth" if self.is_flat else "",
            ours=f"{size(low)} and {size(high)}",
            ratio=f"{high / low:.2f} ×",
            # What an allocator keeps differs by some megabytes from run to run.
            reached=(highest <= MEMORY and high <= low * 1.15) if self.is_flat else None,
            peak=size(highest),
            facts=facts,
            disturbed=is_disturbed([point.sample for point in points]),
            figures={"axis": self.axis, "series": series},
        )

    def load(self, bench, archive, stores):
        """A run of an archive into stores, all of it gone afterwards."""
        place, databases, sinks = bench.folder("growth-run"), [], []
        for store in stores:
            if store == "Postgres":
                databases.append(bench.postgres.create())
                sinks.append(bench.postgres_sink(databases[-1], "append"))
            else:
                sinks.append({"type": store.lower(), "path": f"out-{store}", "mode": "append"})
        clock = {"server": bench.postgres.cpu} if databases else {}
        sample = bench.run(place, bench.archive_source(archive), sinks, timeout=7200, **clock)
        shutil.rmtree(place)
        if databases:
            bench.postgres.drop(*databases)
        return sample


class Users(Growth):
    """Ordered IDs, one endpoint each, every hundredth user with 10 KB; nginx puts the user's ID into the answer."""

    name = "memory"
    axis = "users"
    work = "API → SQLite, 64 at once, users of up to 10 KB"
    is_flat = True

    def points(self, bench):
        folder = bench.folder("memory")
        nginx = Nginx(folder, self.locations())
        try:
            for users in bench.sized([100, 400], [10_000, 100_000], [10_000, 100_000, 1_000_000, 10_000_000]):
                place = bench.folder("memory-run")
                source = bench.api_source(nginx.url, files.ids(Population(), users, place / "users.txt"))
                sinks = [{"type": "sqlite", "path": "out.sqlite"}]
                sample = bench.run(place, source, sinks, others_ours=[nginx.cpu], timeout=7200)
                shutil.rmtree(place)
                yield Point("API → SQLite", users, sample)
        finally:
            nginx.stop()

    def locations(self):
        small = '{"Item":[{"Id":"$1","Address":"a@example.com","Attributes":{"plan":["free"]},"ChannelType":"EMAIL"}]}'
        attributes = ",".join('"attribute_%d":["%s"]' % (number, "x" * 40) for number in range(12))
        parts = [
            '{"Id":"$1-%d","Address":"a@example.com","Attributes":{%s},"ChannelType":"SMS"}' % (number, attributes)
            for number in range(12)
        ]
        # nginx takes no literal of more than 4 KB, but as many variables as one likes.
        pieces = "".join(f" set $part_{number} '{part}';" for number, part in enumerate(parts))
        large = '{"Item":[%s]}' % ",".join("${part_%d}" % number for number in range(len(parts)))
        users = r"^/v1/apps/[^/]+/users/(.*{})$"
        return (
            f"location ~ {users.format('00')} {{{pieces} return 200 '{large}'; }}"
            f" location ~ {users.format('')} {{ return 200 '{small}'; }}"
        )


class Records(Growth):
    name = "growth-records"
    axis = "endpoints"
    work = "archive → NDJSON, endpoints of 1 attribute"
    is_flat = True

    def points(self, bench):
        population = Population(attributes=1, lean=True)
        steps = bench.sized([200, 400], [10_000, 30_000, 100_000], [10_000, 100_000, 1_000_000, 10_000_000])
        for store in SINKS:
            for endpoints in steps:
                # Random keys into B-trees far larger than memory measure the disk, so the databases stop at a million.
                if store != "NDJSON" and endpoints > 1_000_000:
                    continue
                archive = self.archive(bench, population, endpoints)
                yield Point(f"archive → {store}", endpoints, self.load(bench, archive, [store]))

    def archive(self, bench, population, endpoints):
        path = bench.work / f"growth-{endpoints}.gz"
        return path if path.exists() else files.archive(population, endpoints, path)


class EndpointsOfUser(Growth):
    name = "growth-endpoints"
    axis = "endpoints a user"
    work = "API (nginx, static JSON) → SQLite, the same number of endpoints in all"

    def points(self, bench):
        endpoints = bench.sized(300, 15_000, 90_000)
        for each in (1, 5, 15):
            folder = bench.folder("growth-api")
            listed = files.answers(Population(per_user=each), endpoints // each, folder)
            nginx = Nginx(folder, "location / { try_files $uri =404; }", workers=2)
            try:
                place = bench.folder("growth-run")
                sinks = [{"type": "sqlite", "path": "out.sqlite"}]
                sample = bench.run(place, bench.api_source(nginx.url, listed), sinks, others_ours=[nginx.cpu])
            finally:
                nginx.stop()
            yield Point("API → SQLite", each, sample)


class Attributes(Growth):
    name = "growth-attributes"
    axis = "attributes an endpoint"
    work = "archive → NDJSON"

    def points(self, bench):
        endpoints = bench.sized(200, 5000, 30_000)
        for store in SINKS[:2]:
            for attributes in (0, 20, 100, 200):
                population = Population(attributes=attributes)
                archive = files.archive(population, endpoints, bench.folder("growth-attributes") / "export.gz")
                yield Point(f"archive → {store}", attributes, self.load(bench, archive, [store]))


class Sinks(Growth):
    name = "growth-sinks"
    axis = "sinks"
    work = "archive → NDJSON, SQLite and Postgres at once"

    def points(self, bench):
        endpoints = bench.sized(300, 15_000, 100_000)
        archive = files.archive(Population(), endpoints, bench.folder("growth-sinks") / "export.gz")
        for number in (1, 2, 3):
            yield Point("archive → NDJSON, SQLite, Postgres", number, self.load(bench, archive, SINKS[:number]))


class Files(Growth):
    name = "growth-files"
    axis = "files"
    work = "archive → NDJSON, the same endpoints in all"

    def points(self, bench):
        endpoints = bench.sized(400, 20_000, 200_000)
        for store in SINKS[:2]:
            for number in (1, 20, 100, 400):
                folder = bench.folder("growth-files")
                archive = files.archives(Population(), endpoints, folder / "export", number)
                yield Point(f"archive → {store}", number, self.load(bench, archive, [store]))


# The longest one at the end.
ROWS = [Records(), EndpointsOfUser(), Attributes(), Sinks(), Files(), Users()]

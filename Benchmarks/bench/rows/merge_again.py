"""A nightly merge: tables that hold an earlier load meet the same endpoints again, of which a share has changed.

Beside it SQL as a good engineer writes it by hand: ready CSV into staging tables, then only what differs is deleted,
updated, inserted. Both begin with copies of one database, loaded by the program and vacuumed.
"""

import os
import shutil

from ..contest import Side, best, compete
from ..data import files
from ..data.population import Population
from ..results import count, of_contest, seconds, size
from ..row import Row
from ..stores import sqlite
from .archive_databases import psql, sqlite_shell

LATER = "2026-11-24T00:00:00.000Z"


class MergeAgain(Row):
    """A first load, which stays for all shares, and a merge of the changed archive over copies of it."""

    database = ""

    def __init__(self, percent):
        self.percent = percent
        self.name = f"merge-again-{self.database.lower()}-{percent}"

    def archives(self, bench):
        """How many endpoints, the first archive, the changed one, and the changed one's rows as ready CSV."""
        endpoints = bench.sized(500, 20_000, 200_000)
        folder, population = bench.folder("merge-again"), Population()
        # Spread over the whole archive; 0 and 100 are none and all.
        changed = {0: lambda _: False, 1: lambda number: number % 100 == 37, 100: lambda _: True}[self.percent]
        first = files.archive(population, endpoints, folder / "first.gz")
        second = files.archive(population, endpoints, folder / "second.gz", changed=changed)
        return endpoints, first, second, bench.ready_csv(second, "merge", "merge-again-csv")

    def result(self, endpoints, samples, facts):
        rows = samples[0][0].facts["rows"]
        work = f"archive (.gz) → {self.database}, merge again, {self.percent} % changed"
        work += f", {count(endpoints)} endpoints, {count(rows)} rows"
        least = 1.2 if self.percent == 1 else None
        return of_contest(self, work, samples, endpoints, "an endpoint", least, facts)


class IntoPostgres(MergeAgain):
    database = "Postgres"
    peer = "psql: temporary staging by \\copy, ANALYZE, then only what differs"

    def measure(self, bench):
        postgres = bench.postgres
        endpoints, first, second, csv = self.archives(bench)
        loaded = postgres.create()
        try:
            sink = bench.postgres_sink(loaded, "merge")
            first_load = self.recording(postgres, loaded, lambda: bench.run(
                bench.folder("first"), bench.archive_source(first), [sink], server=postgres.cpu))  # fmt: skip
            postgres.ask("VACUUM (ANALYZE)", loaded)

            def content(_, sample):
                found = postgres.content(sample.facts["database"])
                postgres.drop(sample.facts["database"])
                return found

            def ours(place):
                database = postgres.create(template=loaded)
                sinks = [bench.postgres_sink(database, "merge")]
                return self.recording(postgres, database, lambda: bench.run(
                    place, bench.archive_source(second), sinks, date=LATER, server=postgres.cpu))  # fmt: skip

            def theirs(place):
                database = postgres.create(template=loaded)
                return self.recording(
                    postgres, database, lambda: psql(postgres, csv, place, database, "postgres_merge.sql")
                )

            samples = compete(bench, Side(ours, content), Side(theirs, content))
        finally:
            postgres.drop(loaded)
        fast, slow = best(samples[0]), best(samples[1])
        share = fast.facts["wal"] / first_load.facts["wal"]
        facts = [
            ("WAL, whole pages apart", size(slow.facts["wal"]), size(fast.facts["wal"])),
            ("WAL of whole pages", size(slow.facts["wal_pages"]), size(fast.facts["wal_pages"])),
            ("dead rows afterwards", count(slow.facts["dead"]), count(fast.facts["dead"])),
            ("rows updated within their page", count(slow.facts["hot"]), count(fast.facts["hot"])),
            ("the server's CPU", seconds(slow.server_cpu), seconds(fast.server_cpu)),
            ("our first load: time", "", seconds(first_load.wall)),
            ("our first load: WAL, whole pages apart", "", size(first_load.facts["wal"])),
            ("WAL, of the first load's", "", f"{share:.0%}"),
        ]
        result = self.result(endpoints, samples, facts)
        if self.percent == 1:
            result.target += ", WAL ≤ 25 % of the first load's"
            result.reached = result.reached and share <= 0.25
        result.figures["first_load"] = {"seconds": first_load.wall, **first_load.facts}
        return result

    def recording(self, postgres, database, work):
        """A sample with what the server wrote for it."""
        start = postgres.position()
        sample = work()
        records, pages = postgres.written_since(start)
        dead, hot = postgres.dead_tuples(database)
        sample.facts.update({"database": database, "wal": records, "wal_pages": pages, "dead": dead, "hot": hot})
        return sample


class IntoSQLite(MergeAgain):
    database = "SQLite"
    peer = "sqlite3: temporary staging by .import, then only what differs"

    def measure(self, bench):
        endpoints, first, second, csv = self.archives(bench)
        sink = {"type": "sqlite", "path": "out.sqlite", "mode": "merge"}
        base = bench.folder("first")
        first_load = bench.run(base, bench.archive_source(first), [sink])
        loaded = base / "out.sqlite"

        def copied(place):
            """The loaded database in another folder, and on the disk before any time counts."""
            shutil.copyfile(loaded, place / "out.sqlite")
            os.sync()

        def content(place, _):
            return sqlite.content(place / "out.sqlite")

        def ours(place):
            copied(place)
            return bench.run(place, bench.archive_source(second), [sink], date=LATER)

        def theirs(place):
            copied(place)
            return sqlite_shell(place, csv, "sqlite_merge.sql")

        samples = compete(bench, Side(ours, content), Side(theirs, content))
        fast, slow = best(samples[0]), best(samples[1])
        share = fast.written / max(1, first_load.written)
        facts = [
            ("written to the disk, WAL and database", size(slow.written), size(fast.written)),
            ("our first load: time", "", seconds(first_load.wall)),
            ("our first load: written", "", size(first_load.written)),
            ("written, of the first load's", "", f"{share:.0%}"),
        ]
        result = self.result(endpoints, samples, facts)
        if self.percent == 1:
            result.target += ", written ≤ 25 % of the first load's"
            result.reached = result.reached and share <= 0.25
        result.figures["first_load"] = {"seconds": first_load.wall, "written": first_load.written}
        return result

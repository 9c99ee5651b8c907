"""Archive → empty databases, beside the databases' own shells, which import the same rows as ready CSV.

The shells have it easier: nobody decodes JSON for them, and all of it is one transaction.
"""

from ..contest import Side, compete
from ..data import files
from ..data.population import Population
from ..measuring import clean_environment, measure
from ..results import count, of_contest
from ..row import Row
from ..stores import sqlite
from ..workbench import PEERS


def load(bench, row, ours, theirs, prepare):
    endpoints = bench.sized(500, 20_000, 200_000)
    folder = bench.folder("archive-load")
    archive = files.archive(Population(), endpoints, folder / "export.gz", level=6)
    csv = bench.ready_csv(archive, row.mode, "archive-load-csv")
    prepare(archive)
    samples = compete(bench, ours(archive), theirs(csv))
    work = f"{count(endpoints)} endpoints, {count(samples[0][0].facts['rows'])} rows"
    return endpoints, work, samples


class IntoSQLite(Row):
    name = "archive-sqlite"
    mode = "append"
    peer = "sqlite3's .import of the same rows as ready CSV, same tables"

    def measure(self, bench):
        def content(place, _):
            return sqlite.content(place / "out.sqlite")

        def ours(archive):
            sink = {"type": "sqlite", "path": "out.sqlite", "mode": self.mode}
            return Side(lambda place: bench.run(place, bench.archive_source(archive), [sink]), content)

        def theirs(csv):
            def run(place):
                bench.sqlite_tables(place / "out.sqlite", bench.sqlite_schema(None, self.mode))
                return sqlite_shell(place, csv, "sqlite_append.sql")

            return Side(run, content)

        endpoints, work, samples = load(
            bench, self, ours, theirs, prepare=lambda archive: bench.sqlite_schema(archive, self.mode)
        )
        work = f"archive (.gz) → SQLite, normalized, append, {work}"
        return of_contest(self, work, samples, endpoints, "an endpoint", least=1.3)


class IntoPostgres(Row):
    peer = "psql's \\copy of the same rows as ready CSV, same tables"

    def __init__(self, mode):
        self.mode = mode
        self.name = f"archive-postgres-{mode}"

    def measure(self, bench):
        postgres = bench.postgres
        databases = []

        def content(_, sample):
            found = postgres.content(sample.facts["database"])
            postgres.drop(sample.facts["database"])
            return found

        def ours(archive):
            def run(place):
                database = postgres.create()
                sink = bench.postgres_sink(database, self.mode)
                sample = bench.run(place, bench.archive_source(archive), [sink], server=postgres.cpu)
                sample.facts["database"] = database
                return sample

            return Side(run, content)

        def theirs(csv):
            peer = {"append": "postgres_append.sql", "merge": "postgres_first_merge.sql"}[self.mode]

            def run(place):
                database = postgres.create(template=databases[0])
                sample = psql(postgres, csv, place, database, peer)
                sample.facts["database"] = database
                return sample

            return Side(run, content)

        def prepare(archive):
            # The program's tables, emptied: keys, indexes, settings and all.
            folder, made = bench.folder("schema"), postgres.create()
            bench.run(folder, bench.archive_source(archive), [bench.postgres_sink(made, self.mode)])
            databases.append(postgres.empty_copy(made))
            postgres.drop(made)

        try:
            endpoints, work, samples = load(bench, self, ours, theirs, prepare)
        finally:
            postgres.drop(*databases)
        words = {"append": "append", "merge": "merge into empty tables"}[self.mode]
        work = f"archive (.gz) → Postgres, {words}, {work}"
        least = {"append": 1.1, "merge": 1.0}[self.mode]
        server = [f"{min(s.server_cpu for s in side) / endpoints * 1e6:.0f} µs" for side in reversed(samples)]
        return of_contest(
            self, work, samples, endpoints, "an endpoint", least, facts=[("the server's CPU, an endpoint", *server)]
        )


def sqlite_shell(place, csv, peer):
    """The sqlite3 shell over a script of the peers; it finds the CSV files in its folder."""
    for path in csv.glob("*.csv"):
        (place / path.name).symlink_to(path)
    return measure(["sqlite3", "-batch", "-bail", place / "out.sqlite"], place, stdin=PEERS / peer)


def psql(postgres, csv, place, database, peer):
    for path in csv.glob("*.csv"):
        (place / path.name).symlink_to(path)
    command = [*postgres.psql_command(database), "-f", PEERS / peer]
    return measure(command, place, environment=clean_environment(place, PGTZ="UTC"), server=postgres.cpu)

"""API → SQLite: nginx answers static JSON, as fast as it can, so that the client is what is measured."""

from ..contest import Side, compete
from ..data import files
from ..data.population import APPLICATION, Population
from ..measuring import clean_environment, measure
from ..results import count, of_contest
from ..row import Row
from ..servers.nginx import Nginx
from ..stores import sqlite
from ..workbench import CREDENTIALS, DATE, RUN

#: A file for each user, named as in the request's path.
ANSWERS = "location / { try_files $uri =404; }"


class ToSQLite(Row):
    """Users of one endpoint with little in it, whose cost is the call, or of three with more, whose cost is their rows."""

    peer = "boto3, 64 threads, rows into SQLite by executemany"

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self.name = {1: "api", 3: "api-rows"}[endpoints]

    def measure(self, bench):
        users = bench.sized(200, 3000, 20_000)
        population = Population(gaps=True, per_user=self.endpoints, lean=self.endpoints == 1)
        folder = bench.folder("api")
        listed = files.answers(population, users, folder)
        files.archive(population, 1, folder / "one.gz")
        schema = bench.sqlite_schema(folder / "one.gz", "merge")
        nginx = Nginx(folder, ANSWERS, workers=2)
        try:
            clocks = {"others_ours": [nginx.cpu], "timeout": 600}

            def ours(place):
                source = bench.api_source(nginx.url, listed)
                return bench.run(place, source, [{"type": "sqlite", "path": "out.sqlite"}], **clocks)

            def theirs(place):
                command = [nginx.url, APPLICATION, listed, schema, place / "out.sqlite", RUN, DATE]
                environment = clean_environment(place, **CREDENTIALS)
                return measure(bench.python("boto3_to_sqlite.py", *command), place, environment=environment, **clocks)

            def content(place, _):
                return sqlite.content(place / "out.sqlite")

            samples = compete(bench, Side(ours, content), Side(theirs, content))
        finally:
            nginx.stop()
        rows = samples[0][0].facts["rows"]
        work = f"API, no limit (nginx, static JSON) → SQLite, {count(users)} users, {count(rows)} rows"
        if self.endpoints > 1:
            return of_contest(self, work, samples, users, "a user")
        result = of_contest(self, work, samples, users, "a user", least=20)
        each = min(sample.cpu for sample in samples[0]) / users * 1e6
        result.target = "≥ 20 ×, ≤ 130 µs of CPU a user"
        result.reached = result.reached and each <= 130
        return result

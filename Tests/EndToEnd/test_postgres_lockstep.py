"""SQLite, Postgres and NDJSON in one run: they go step by step, and end with the same rows whatever happens to one."""

import gzip
import json
import time
from collections import Counter
from decimal import Decimal

import pytest
from support.content import DIAGNOSTICS, TABLES, Store
from support.ndjson import Folder
from support.postgres import canonical_json
from support.sluice import LOGICAL_DATE

RUN = "under-test-20260102T030405Z"
BATCH = 50
REALS = {"location_latitude", "location_longitude"}


class Three:
    """A pipeline with three sinks."""

    def __init__(self, sluice, database, server, name, outage="5m", **settings):
        sinks = [
            {"type": "sqlite", "path": "out/endpoints.sqlite", "mode": "merge"},
            database.sink("merge", outage=outage),
            {"type": "ndjson", "path": "out/ndjson", "mode": "append"},
        ]
        self.sluice, self.database = sluice, database
        self.pipeline = sluice.pipeline(name, server.url, server.ids, batch_size=BATCH, sinks=sinks, **settings)
        self.postgres = database.store()
        self.folder = self.pipeline.folder / "out" / "ndjson"

    def start(self, **environment):
        return self.sluice.start_run(self.pipeline, "--logical-date", LOGICAL_DATE, environment=environment)

    def run(self, code=0):
        return self.start().wait(100).expect(code)

    # What is in each -------------------------------------------------------------------------------------------------

    @property
    def sqlite(self):
        return Store(self.pipeline.database)

    def ordinals(self):
        """How far each sink has committed; 0 where there is nothing yet."""
        unfinished = Folder(self.folder).unfinished
        try:
            first = self.sqlite.next_ordinal if self.pipeline.database.exists() else 0
        except Exception:  # its tables aren't there yet
            first = 0
        third = json.loads((unfinished[0].folder / "checkpoint.json").read_text()) if unfinished else {}
        return first, self.postgres.next_ordinal, find(third, "next_ordinal") or 0

    def wait_for(self, process, ordinal):
        deadline = time.monotonic() + 40
        while min(self.ordinals()[:2]) < ordinal:
            assert process.poll() is None, f"the run ended too early:\n{process.result.err}"
            assert time.monotonic() < deadline, f"{self.ordinals()} after 40 s"
            time.sleep(0.02)

    def contents(self):
        run = Folder(self.folder).runs[RUN]
        run.check()
        return {
            "sqlite": {table: [plain(table, row) for row in self.sqlite.rows(table)] for table in TABLES},
            "postgres": {table: self.postgres.rows(table) for table in TABLES},
            "ndjson": {table: ndjson_rows(run, table) for table in TABLES},
        }

    def check(self, counts):
        """All three hold the same rows; returns them."""
        contents = self.contents()
        for table in TABLES:
            rows = {name: Counter(content[table]) for name, content in contents.items()}
            for name in ("sqlite", "ndjson"):
                only, other = list(rows["postgres"] - rows[name])[:2], list(rows[name] - rows["postgres"])[:2]
                assert not only and not other, f"{table}: only in postgres {only}, only in {name} {other}"
        assert len(contents["postgres"]["users"]) + len(contents["postgres"]["failures"]) == counts
        return contents["postgres"]


def find(value, name):
    """A member of this name, at any depth."""
    if isinstance(value, dict) and name in value:
        return value[name]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((found for found in (find(member, name) for member in members) if found is not None), None)


def plain(table, row):
    if table != "endpoints":
        return row
    return tuple(
        canonical_json(value) if name == "extra" else value for name, value in zip(TABLES[table], row, strict=True)
    )


def ndjson_rows(run, table):
    left_out = DIAGNOSTICS if table == "failures" else set()
    rows = []
    for path in run.paths(table):
        for line in gzip.decompress(path.read_bytes()).decode().split("\n")[:-1]:
            row = json.loads(line, parse_int=Decimal, parse_float=Decimal)
            # In append the parts have run_id at their end.
            names = [name for name in TABLES[table] if name not in left_out]
            rows.append(tuple(value_of(table, name, row[name]) for name in names))
    return rows


def value_of(table, name, value):
    if name == "extra":
        return canonical_json(value)
    if not isinstance(value, Decimal):
        return value
    return float(value) if name in REALS or (table, name) == ("endpoint_metrics", "value") else int(value)


@pytest.fixture
def three(sluice, postgres, synthetic):
    """Makes pipelines over the same server, which all use one database each."""
    servers = {}

    def make(name, users=1500, **settings):
        if users not in servers:
            servers[users] = synthetic(users=users)
        return Three(sluice, postgres(), servers[users], name, **settings)

    make.cluster = postgres.cluster
    return make


def test_three_sinks(three):
    whole = three("whole")
    summary = whole.run().summary
    whole.check(1500)
    assert [sink["type"] for sink in summary["sinks"]] == ["sqlite", "postgres", "ndjson"]
    assert {(sink["next_ordinal"], sink["state"], sink["refused"]) for sink in summary["sinks"]} == {
        (1500, "complete", 0)
    }


@pytest.mark.limit(120)
def test_one_sink_is_away_for_a_while(three):
    """Ten seconds without Postgres: the others wait for it, one commit ahead at most."""
    whole = three("whole", users=3000)
    whole.run()
    disturbed = three("disturbed", users=3000, rate_limit={"requests_per_second": 600, "burst": 20})
    process = disturbed.start()
    disturbed.wait_for(process, 300)
    three.cluster.stop("immediate")
    committed = disturbed.sqlite.next_ordinal
    time.sleep(5)
    ahead = disturbed.sqlite.next_ordinal
    time.sleep(5)
    assert process.poll() is None, process.result.err
    assert disturbed.sqlite.next_ordinal == ahead <= committed + BATCH, "a sink went on alone"
    three.cluster.start()
    result = process.wait(60).expect(0)
    assert (result.summary["failed"], result.summary["resumed_from"]) == (0, None)
    assert disturbed.check(3000) == whole.check(3000)


@pytest.mark.limit(120)
@pytest.mark.parametrize("outage", ["2s"])
def test_one_sink_is_away_for_too_long(three, outage):
    """69 once its outage is over; when it is back, the run goes on, and all end with the same."""
    whole = three("whole", users=3000)
    whole.run()
    stopped = three("stopped", users=3000, outage=outage, rate_limit={"requests_per_second": 600, "burst": 20})
    process = stopped.start()
    stopped.wait_for(process, 300)
    three.cluster.stop("immediate")
    began = time.monotonic()
    try:
        result = process.wait(30).expect(69)
        assert 1.5 < time.monotonic() - began < 15
        assert f"{three.cluster.port}/{stopped.database.name}" in result.message
        assert stopped.sqlite.count("failures") == 0
    finally:
        three.cluster.start()
    first, second, third = stopped.ordinals()
    assert max(first, second, third) - min(first, second, third) <= BATCH, (first, second, third)
    result = stopped.run()
    assert result.summary["resumed_from"] == min(first, second, third)
    assert stopped.check(3000) == whole.check(3000)


@pytest.mark.limit(120)
@pytest.mark.parametrize("late", ["sqlite", "postgres", "ndjson"])
@pytest.mark.parametrize("commit", [1, 6])
def test_killed_while_one_is_late(three, late, commit):
    """One sink hangs in a commit that the others have made, and the run is killed: it catches up by itself."""
    whole = three("whole")
    whole.run()
    killed = three("killed")
    step = "before-data-fsync" if late == "ndjson" else "before"
    process = killed.start(SLUICE_FAILPOINT=f"{late}.commit.{step}#{commit}=hang")
    place = ["sqlite", "postgres", "ndjson"].index(late)
    deadline = time.monotonic() + 30
    expected = [commit * BATCH] * 3
    expected[place] -= BATCH
    while list(killed.ordinals()) != expected:
        assert process.poll() is None, f"it didn't hang:\n{process.result.err}"
        assert time.monotonic() < deadline, f"nobody is ahead: {killed.ordinals()}"
        time.sleep(0.02)
    process.kill()
    assert list(killed.ordinals()) == expected
    result = killed.run()
    assert result.summary["resumed_from"] == expected[place]
    assert killed.check(1500) == whole.check(1500)


def test_one_sink_refuses_records(three):
    """What one sink refuses, the others have."""
    one = three("one", users=1500)
    one.run()
    one.database.psql(
        "ALTER TABLE pinpoint.users ADD CONSTRAINT kept_out CHECK (ordinal NOT IN (7, 700, 1400)) NOT VALID"
    )
    result = one.sluice.run(one.pipeline, "--logical-date", "2026-03-03").expect(65)
    assert [sink["refused"] for sink in result.summary["sinks"]] == [0, 3, 0]
    assert {sink["state"] for sink in result.summary["sinks"]} == {"complete"}
    later = "under-test-20260303T000000Z"
    assert one.postgres.count("users", f"run_id = '{later}'") == 1497
    assert one.sqlite.value("SELECT count(*) FROM users WHERE run_id = ?", later) == 1500
    assert [row[0] for row in one.postgres.failures("ordinal")] == ["7", "700", "1400"]


def test_a_sink_that_was_added_or_lost(three, postgres):
    """Checkpoints of different runs, or far apart: refused, naming `--fresh`."""
    one = three("one")
    process = one.start(SLUICE_FAILPOINT="sqlite.prepare.before-transaction#8=kill")
    process.wait(30)
    one.database.psql("DROP SCHEMA pinpoint CASCADE")
    result = one.run(78)
    assert "--fresh" in result.message
    one.sluice.run(one.pipeline, "--fresh", "--logical-date", LOGICAL_DATE).expect(0)
    one.check(1500)

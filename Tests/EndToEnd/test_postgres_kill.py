"""Postgres: SIGKILL at any moment, a server that stops, connections that are cut. The content is always that of a run
that nothing happened to."""

import os
import time

import pytest
from support.content import same_run
from support.kills import Trial, first_and_last, first_or_last
from support.postgres_place import PostgresPlace
from support.postgres_proxy import CutAfterBytes, CutAtCommit, CutInCopy, PostgresProxy
from support.sluice import LOGICAL_DATE

MODES = ["merge", "append", "replace"]
OLD_DATE = "2025-12-31T00:00:00Z"
RUN = "under-test-20260102T030405Z"
BATCH = 50


class Case:
    """A mode's starting point: a database that holds an older run, and the content of a run on top of it that nothing
    disturbed."""

    def __init__(self, sluice, synthetic, postgres, mode, users, **server):
        self.sluice, self.postgres, self.mode = sluice, postgres, mode
        # Other answers for the same users: endpoints come and go.
        older = synthetic(users=users * 3 // 5, seed=2)
        self.server = synthetic(users=users, seed=1, **server)
        self.template = postgres()
        sluice.run(self.pipeline("before", self.template, server=older), "--logical-date", OLD_DATE).expect(0)
        whole = postgres(template=self.template)
        sluice.run(self.pipeline("whole", whole), "--logical-date", LOGICAL_DATE).expect(0)
        self.baseline = whole.store()

    def pipeline(self, name, database, server=None, url=None, **settings):
        server = server or self.server
        return self.sluice.pipeline(
            name, server.url, server.ids, batch_size=BATCH, concurrency=16, limits={"max_removed": "100%"},
            sinks=[database.sink(self.mode, url=url)], **settings,
        )  # fmt: skip

    def fresh(self):
        return self.postgres(template=self.template)

    def start(self, database, **settings):
        pipeline = self.pipeline("case", database, **settings)
        return self.sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)


@pytest.fixture
def case(sluice, synthetic, postgres):
    def make(mode, users, **options):
        return Case(sluice, synthetic, postgres, mode, users, **options)

    return make


# SIGKILL -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def trial(sluice, synthetic, postgres, tmp_path):
    def make(mode, **options):
        return Trial(sluice, synthetic, tmp_path, [PostgresPlace(postgres(), mode)], **options)

    return make


@pytest.mark.limit(400)
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_every_failpoint(trial, mode, dice):
    trial = trial(mode, users=250)
    trial.killed_at_every_step(first_or_last(dice))
    trial.count_kills(f"postgres, {mode}, at every step")


@pytest.mark.soak
@pytest.mark.limit(1200)
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_every_failpoint_twice(trial, mode):
    """When each is reached for the first time, and for the last time."""
    trial = trial(mode, users=250)
    trial.killed_at_every_step(first_and_last)
    trial.count_kills(f"postgres, {mode}, at every step")


@pytest.mark.limit(300)
@pytest.mark.parametrize("mode", MODES)
def test_killed_while_it_gives_a_run_up(trial, mode):
    trial = trial(mode, users=250)
    trial.killed_while_giving_up()
    trial.count_kills(f"postgres, {mode}, while giving a run up")


@pytest.mark.soak
@pytest.mark.limit(600)
@pytest.mark.parametrize("mode", MODES)
def test_an_error_at_every_failpoint(trial, mode):
    trial(mode, users=250).error_at_every_step()


@pytest.mark.limit(200)
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_random_moments(trial, dice, mode):
    trial = trial(mode, latency="3ms")
    trial.killed_at_random(dice, 20)
    trial.count_kills(f"postgres, {mode}, at random moments")


@pytest.mark.soak
@pytest.mark.limit(3600)
@pytest.mark.parametrize("mode", MODES)
def test_killed_hundreds_of_times(trial, dice, mode):
    trial = trial(mode, users=2000, latency="3ms")
    trial.killed_at_random(dice, int(os.environ["SLUICE_SOAK_KILLS"]))
    trial.count_kills(f"postgres, {mode}, at random moments")


# The server goes away ------------------------------------------------------------------------------------------------


def committed(store):
    """How far the run under test is: the older one's checkpoint doesn't count."""
    rows = store.query(f"SELECT next_ordinal FROM sluice_checkpoints WHERE run_id = '{RUN}'")
    return int(rows[0][0]) if rows else 0


def stop_the_server(case, dice, times):
    database = case.fresh()
    store = database.store()
    process = case.start(database, rate_limit={"requests_per_second": 300, "burst": 20, "adaptive": False})
    ordinal = 0
    for number in range(times):
        deadline = time.monotonic() + 30
        while committed(store) <= ordinal:
            assert process.poll() is None, f"the run ended before stop {number}:\n{process.poll().err}"
            assert time.monotonic() < deadline, f"nothing is committed after stop {number}"
            time.sleep(0.01)
        ordinal = committed(store)
        time.sleep(dice.uniform(0, 0.15))
        if number % 5 == 4:
            case.postgres.cluster.kill()
            case.postgres.cluster.start()
        else:
            case.postgres.cluster.restart("immediate", away=dice.choice([0, 0, 0.5]))
    result = process.wait(60).expect(0)
    assert (result.summary["records"], result.summary["failed"]) == (case.server.users, 0)
    assert result.summary["resumed_from"] is None, "it waits; it doesn't start again"
    same_run(store, case.baseline)
    print(f"{case.mode}: the server stopped {times} times, {result.elapsed:.1f} s")


@pytest.mark.limit(120)
@pytest.mark.parametrize("mode", ["merge"])
def test_the_server_stops_ten_times(case, dice, mode):
    stop_the_server(case(mode, users=3000), dice, 10)


@pytest.mark.soak
@pytest.mark.limit(900)
@pytest.mark.parametrize("mode", MODES)
def test_the_server_stops_all_the_time(case, dice, mode):
    stop_the_server(case(mode, users=20000), dice, 50)


# Connections are cut -------------------------------------------------------------------------------------------------


def run_through(case, cut):
    """A run through a proxy that cuts; the content must be that of a run without one."""
    proxy = PostgresProxy(case.postgres.cluster.port, cut)
    try:
        database = case.fresh()
        result = case.start(database, url=database.url(port=proxy.port)).wait(100).expect(0)
        assert (result.summary["records"], result.summary["failed"]) == (case.server.users, 0)
        assert result.summary["resumed_from"] is None, "it goes on; it doesn't start again"
        same_run(database.store(), case.baseline)
        print(f"{case.mode}: {len(proxy.cuts)} cuts, {proxy.connections} connections, {result.elapsed:.1f} s")
        return proxy
    finally:
        proxy.stop()


@pytest.mark.limit(180)
@pytest.mark.parametrize("mode", MODES)
def test_cut_during_commit(case, mode):
    """The COMMIT is lost, or its answer is: who can't know reads the checkpoint."""
    case = case(mode, users=300)
    for how, every in (("before", 3), ("within", 3), ("after", 2), ("unanswered", 2)):
        cut = CutAtCommit(how, every)
        run_through(case, cut)
        # A run of six batches has eight commits or more: its beginning, the batches, its end.
        assert cut.done >= 2, f"{how}: only {cut.done} of {cut.commits} commits were cut"


@pytest.mark.limit(180)
@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_cut_during_copy(case, dice, mode):
    case = case(mode, users=300)
    for how in ("before", "within", "after"):
        cut = CutInCopy(how, every=12, dice=dice)
        run_through(case, cut)
        assert cut.done >= 2, f"{how}: only {cut.done} cuts"


@pytest.mark.limit(180)
@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_cut_anywhere(case, dice, mode):
    """After so-and-so-many bytes, wherever that is: in the handshake, in a statement, in a row."""
    case = case(mode, users=300)
    cut = CutAfterBytes(dice, 1, 60000, times=8)
    run_through(case, cut)
    assert cut.done == 8


@pytest.mark.limit(120)
@pytest.mark.parametrize("mode", MODES)
def test_terminated_backends(case, dice, mode):
    case = case(mode, users=1200)
    database = case.fresh()
    process = case.start(database, rate_limit={"requests_per_second": 400, "burst": 20, "adaptive": False})
    terminated = 0
    while process.poll() is None:
        time.sleep(dice.uniform(0, 0.4))
        # On a slow machine a statement may take longer than these pauses, and would never get through.
        if terminated < 30:
            terminated += database.terminate()
    result = process.result.expect(0)
    assert (result.summary["failed"], result.summary["resumed_from"]) == (0, None)
    same_run(database.store(), case.baseline)
    assert terminated >= 5, f"only {terminated} connections were ended"
    print(f"{mode}: {terminated} connections ended by the server")

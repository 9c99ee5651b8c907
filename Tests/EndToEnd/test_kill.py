"""SIGKILL at any moment, run again: nobody is asked for twice beyond the batch and the window that were under way."""

import os
import shutil
import signal
import time
from collections import Counter

import pytest
from support.content import Store, same_run, snapshot
from support.kills import KILLS
from support.scripted_server import CountingProxy
from support.sluice import LOGICAL_DATE

USERS = 4000
BATCH = 100
CONCURRENCY = 16
#: The window of records that may be fetched ahead of the commit.
WINDOW = max(1024, 4 * CONCURRENCY)
#: What may be in flight on top of it.
READ_AHEAD = WINDOW + 2 * BATCH

FAULTS = "status:500=0.01,reset=0.005,truncate=0.003,html=0.002"


def write_pipeline(sluice, name, url, server):
    return sluice.pipeline(name, url, server.ids, batch_size=BATCH, concurrency=CONCURRENCY)


def clear(pipeline):
    shutil.rmtree(pipeline.folder / "out", ignore_errors=True)
    shutil.rmtree(pipeline.folder / ".sluice", ignore_errors=True)


def uninterrupted(sluice, url, server, **options):
    pipeline = write_pipeline(sluice, "uninterrupted", url, server)
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE, **options).expect(0)
    assert result.summary["records"] == server.users
    return Store(pipeline.database), result


def learn_failpoints(sluice, server, tmp_path):
    """The baseline's store, and the names of the steps that a run reaches with how often it does."""
    trace = tmp_path / "trace"
    baseline, _ = uninterrupted(sluice, server.url, server, environment={"SLUICE_FAILPOINT_TRACE": trace})
    if not trace.exists():
        pytest.skip("this program was built without the trait Failpoints")
    return baseline, Counter(trace.read_text().split())


@pytest.mark.limit(60)
def test_killed_while_it_hangs_in_a_commit(sluice, synthetic, tmp_path):
    server = synthetic(users=1500)
    baseline, steps = learn_failpoints(sluice, server, tmp_path)
    name = max(steps, key=lambda step: (steps[step], step))
    hanging = write_pipeline(sluice, "hanging", server.url, server)
    plan = {"SLUICE_FAILPOINT": f"{name}#4=hang"}
    process = sluice.start_run(hanging, "--logical-date", LOGICAL_DATE, environment=plan)
    time.sleep(2)
    assert process.poll() is None, "the run should hang in its commit"
    process.kill()
    sluice.run(hanging, "--logical-date", LOGICAL_DATE).expect(0)
    same_run(Store(hanging.database), baseline)


@pytest.mark.limit(60)
def test_reads_no_further_ahead_than_the_window(sluice, synthetic, tmp_path):
    """A sink that stands still stops the source, once the window and two batches are full."""
    server = synthetic(users=USERS)
    learn_failpoints(sluice, server, tmp_path)
    proxy = CountingProxy(server.port)
    try:
        pipeline = write_pipeline(sluice, "hanging", proxy.url, server)
        process = sluice.start_run(pipeline, environment={"SLUICE_FAILPOINT": "sqlite.commit.before#6=hang"})
        asked = -1
        while asked != len(proxy.asked) or asked == 0:
            asked = len(proxy.asked)
            time.sleep(1.5)
        assert process.poll() is None, process.poll().err
        process.kill()
        committed = crashed(pipeline, tmp_path)
        assert committed > 0 and len(set(proxy.asked)) == asked < USERS
        assert WINDOW <= asked - committed <= READ_AHEAD, f"{asked} asked for, {committed} committed"
    finally:
        proxy.stop()


def kill_at_random(sluice, synthetic, tmp_path, dice, kills, users=USERS):
    """Kills runs at random moments until there were so many kills; checks each crash and each completed run."""
    server = synthetic(users=users, latency="4ms", faults=FAULTS)
    order = {user: ordinal for ordinal, user in enumerate(server.ids.read_text().split())}
    proxy = CountingProxy(server.port)
    try:
        baseline, result = uninterrupted(sluice, proxy.url, server)
        pipeline = write_pipeline(sluice, "killed", proxy.url, server)
        done = completed = again = 0
        start = 0
        while done < kills:
            proxy.asked.clear()
            process = sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)
            # Now and then so early that the program isn't up yet, mostly somewhere in a part of the run.
            time.sleep(dice.uniform(0.0, result.elapsed * dice.choice([0.05, 0.3, 0.8])))
            ended = process.poll() or process.kill()
            # What the dead process had sent may still be on its way through the proxy.
            time.sleep(0.02)
            asked = {order[user] for user in proxy.asked}
            if ended.code == -signal.SIGKILL:
                done += 1
            else:
                ended.expect(0)
            assert all(ordinal >= start for ordinal in asked), "a user was asked for whose rows were committed"
            committed = crashed(pipeline, tmp_path)
            assert committed >= start, "a commit was lost"
            ahead = max(asked, default=0) + 1 - committed
            assert ahead <= READ_AHEAD, f"{ahead} users were fetched ahead of the commit"
            again += max(0, ahead)
            start = committed
            if ended.code == 0:
                same_run(Store(pipeline.database), baseline)
                completed += 1
                clear(pipeline)
                start = 0
        sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
        same_run(Store(pipeline.database), baseline)
    finally:
        proxy.stop()
    KILLS["at random moments of sqlite merge, requests counted"] += done
    print(f"{done} kills over {completed + 1} runs; {again / done:.0f} users fetched again for each kill")


def crashed(pipeline, tmp_path):
    """The first ordinal that isn't committed, once it is checked that rows and checkpoint speak of the same batches."""
    if not pipeline.database.exists():
        return 0
    store = snapshot(pipeline.database, tmp_path)
    try:
        tables = {row[0] for row in store.query("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if "sluice_checkpoints" not in tables or store.count("sluice_checkpoints") == 0:
            return 0
        assert store.value("PRAGMA quick_check") == "ok"
        assert store.count("users") + store.count("failures") == store.next_ordinal
        assert store.next_ordinal % BATCH == 0 or store.value("SELECT input_ended FROM sluice_checkpoints")
        return store.next_ordinal
    finally:
        shutil.rmtree(os.path.dirname(store.path), ignore_errors=True)


@pytest.mark.limit(300)
def test_killed_at_random_moments(sluice, synthetic, tmp_path, dice):
    kill_at_random(sluice, synthetic, tmp_path, dice, kills=20)


@pytest.mark.soak
@pytest.mark.limit(7200)
def test_killed_hundreds_of_times(sluice, synthetic, tmp_path, dice):
    kill_at_random(sluice, synthetic, tmp_path, dice, int(os.environ["SLUICE_SOAK_KILLS"]), users=20000)

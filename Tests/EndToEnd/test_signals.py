"""Stopping on purpose, and two runs at once."""

import signal
import time

import pytest
from support.content import Store, same_run
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE
from test_outage import wait_for_commit

#: Exits of a process that was stopped at once.
AT_ONCE = {75, -signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGINT}


def slow_pipeline(sluice, name, server):
    """About 5 s of work."""
    return sluice.pipeline(
        name, server.url, server.ids, batch_size=50, rate_limit={"requests_per_second": 400, "burst": 10}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_graceful_stop(sluice, synthetic, number):
    server = synthetic(users=2000, latency="5ms")
    whole = sluice.pipeline("whole", server.url, server.ids, batch_size=50)
    sluice.run(whole, "--logical-date", LOGICAL_DATE).expect(0)

    pipeline = slow_pipeline(sluice, "stopped", server)
    process = sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)
    wait_for_commit(process, pipeline, 100)
    process.send(number)
    sent = time.monotonic()
    result = process.wait(20).expect(75)
    assert time.monotonic() - sent < 5, "it finishes the commit at hand, not the run"
    assert "run" in result.err.lower(), "it says that running it again goes on"
    store = Store(pipeline.database)
    committed = store.next_ordinal
    assert 100 <= committed < 2000 and committed % 50 == 0 and store.count("users") == committed
    if result.summaries:
        assert result.summary["state"] == "interrupted" and result.summary["records"] == committed
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert result.summary["resumed_from"] == committed
    same_run(Store(pipeline.database), Store(whole.database))


def test_stopped_while_the_server_hangs(sluice, scripted, tmp_path):
    """A call under way is given up; nobody waits 10 s for a stop."""
    (tmp_path / "users.txt").write_text("".join(f"user-{number}\n" for number in range(500)))

    def answer(request):
        result = endpoints(request.user)
        result.delay = 0 if len(server.asked) < 200 else 60
        return result

    server = scripted(answer)
    pipeline = sluice.pipeline("hanging", server.url, tmp_path / "users.txt", batch_size=50, concurrency=8)
    process = sluice.start_run(pipeline)
    wait_for_commit(process, pipeline)
    time.sleep(0.5)
    process.send(signal.SIGTERM)
    sent = time.monotonic()
    process.wait(20).expect(75)
    assert time.monotonic() - sent < 4


def test_a_second_signal_stops_at_once(sluice, synthetic, tmp_path):
    """The first one waits for the commit at hand, here one that never ends; the second doesn't."""
    server = synthetic(users=1000)
    trace = tmp_path / "trace"
    traced = sluice.pipeline("traced", server.url, server.ids, batch_size=50)
    sluice.run(traced, environment={"SLUICE_FAILPOINT_TRACE": trace}).expect(0)
    if not trace.exists():
        pytest.skip("this program was built without the trait Failpoints")
    names = trace.read_text().split()
    step = max(set(names), key=lambda name: (names.count(name), name))

    pipeline = sluice.pipeline("hanging", server.url, server.ids, batch_size=50)
    process = sluice.start_run(pipeline, environment={"SLUICE_FAILPOINT": f"{step}#5=hang"})
    time.sleep(1.5)
    process.send(signal.SIGTERM)
    time.sleep(1)
    assert process.poll() is None, "the first signal must not cut a commit short"
    process.send(signal.SIGTERM)
    sent = time.monotonic()
    result = process.wait(20)
    assert time.monotonic() - sent < 3
    assert result.code in AT_ONCE, f"exit {result.code}: {result.err}"
    assert sluice.run(pipeline).expect(0).summary["records"] == 1000


def test_two_runs_at_once(sluice, synthetic):
    """The second one is refused and says who is at work; the lock dies with its process."""
    server = synthetic(users=2000, latency="5ms")
    pipeline = slow_pipeline(sluice, "locked", server)
    first = sluice.start_run(pipeline)
    wait_for_commit(first, pipeline)
    second = sluice.run(pipeline, timeout=20).expect(75)
    assert str(first.pid) in second.message, second.err
    assert first.poll() is None, "the first one isn't disturbed"
    first.kill()
    result = sluice.run(pipeline).expect(0)
    assert result.summary["records"] == 2000 and result.summary["resumed_from"] > 0


def test_many_starts_at_once(sluice, synthetic):
    """Of five at the same moment one does the work, and the others change nothing."""
    server = synthetic(users=1000, latency="20ms")
    pipeline = slow_pipeline(sluice, "crowded", server)
    processes = [sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE) for _ in range(5)]
    codes = sorted(process.wait(60).code for process in processes)
    assert codes == [0, 75, 75, 75, 75], [process.result.err for process in processes]
    store = Store(pipeline.database)
    assert store.count("users") == 1000 and store.run_states == ["complete"]

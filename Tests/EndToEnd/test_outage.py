"""An outage is not a failure of users: the run waits, goes on, and loses nobody."""

import os
import signal
import time

import pytest
from support.content import Store, same_content
from support.scripted_server import endpoints, error
from support.sluice import LOGICAL_DATE

SOAKING = os.environ.get("SLUICE_SOAK") == "1"


def write_pipeline(sluice, name, server, **settings):
    settings.setdefault("rate_limit", {"requests_per_second": 1000, "burst": 50})
    return sluice.pipeline(name, server.url, server.ids, batch_size=100, **settings)


def wait_for_commit(process, pipeline, ordinal=1):
    """Waits until the run has committed something, so that what follows happens in mid-run."""
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, f"the run ended too early:\n{process.poll().err}"
        assert time.monotonic() < deadline, "nothing was committed"
        if pipeline.database.exists():
            try:
                if Store(pipeline.database).next_ordinal >= ordinal:
                    return
            except Exception:  # the tables aren't there yet
                pass
        time.sleep(0.02)


def server_away(sluice, synthetic, how, seconds):
    server = synthetic(users=4000)
    whole = write_pipeline(sluice, "whole", server)
    undisturbed = sluice.run(whole, "--logical-date", LOGICAL_DATE).expect(0)

    pipeline = write_pipeline(sluice, "away", server)
    process = sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)
    wait_for_commit(process, pipeline)
    if how == "killed":
        server.stop()
        time.sleep(seconds)
        server.start()
    else:
        server.process.send(signal.SIGSTOP)
        time.sleep(seconds)
        server.process.send(signal.SIGCONT)
    result = process.wait(seconds + 90).expect(0)
    assert (result.summary["records"], result.summary["failed"]) == (4000, 0)
    assert result.summary["resumed_from"] is None, "it waits; it doesn't start again"
    same_content(Store(pipeline.database), Store(whole.database))
    cost = result.elapsed - undisturbed.elapsed
    print(f"the server was away for {seconds} s ({how}), which cost {cost:.1f} s")
    # A probe a second, and for a server that hangs the attempts that were under way (10 s each, then a retry).
    assert cost <= seconds + (5 if how == "killed" else 25)


@pytest.mark.limit(90)
def test_a_server_that_goes_away(sluice, synthetic):
    server_away(sluice, synthetic, "killed", 12)


@pytest.mark.soak
@pytest.mark.limit(240)
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_server_away_for_a_minute(sluice, synthetic, how):
    server_away(sluice, synthetic, how, 60)


@pytest.mark.limit(90)
def test_a_server_that_answers_503(sluice, scripted, tmp_path):
    """Nothing but 503 for 8 s opens the circuit: a probe a second, and then the run goes on."""
    away = [None]

    def answer(request):
        if away[0] is not None and time.monotonic() < away[0]:
            return error(503, "ServiceUnavailableException", "Service Unavailable")
        return endpoints(request.user)

    server = scripted(answer)
    server.ids = tmp_path / "users.txt"
    server.ids.write_text("".join(f"user-{number:05d}\n" for number in range(3000)))
    pipeline = write_pipeline(sluice, "away", server)
    process = sluice.start_run(pipeline)
    wait_for_commit(process, pipeline)
    began = time.monotonic()
    away[0] = began + 8
    result = process.wait(60).expect(0)
    assert (result.summary["found"], result.summary["failed"]) == (3000, 0)
    # Once the circuit is open: a probe a second, not a storm.
    probes = sum(1 for instant, _ in server.log if began + 4 < instant < began + 8)
    assert 2 <= probes <= 12, f"{probes} requests in 4 s of an open circuit"


@pytest.mark.limit(90)
def test_an_outage_that_lasts(sluice, synthetic):
    """Beyond `retry.outage` the run stops, resumable; nobody has failed."""
    server = synthetic(users=4000)
    pipeline = write_pipeline(sluice, "away", server, retry={"outage": "3s"})
    process = sluice.start_run(pipeline)
    wait_for_commit(process, pipeline)
    server.stop()
    result = process.wait(40).expect(69)
    assert result.message
    store = Store(pipeline.database)
    assert store.count("failures") == 0 and 0 < store.next_ordinal < 4000
    assert store.run_states == ["running"]
    committed = store.next_ordinal
    server.start()
    result = sluice.run(pipeline).expect(0)
    assert result.summary["resumed_from"] == committed
    assert (result.summary["records"], result.summary["failed"]) == (4000, 0)

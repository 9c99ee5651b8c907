"""Every user accounted for, whatever the network does, and the same content at any concurrency."""

import pytest
from support.content import Store, same_content
from support.expected import compare, outcomes
from support.sluice import LOGICAL_DATE

FAULTS = (
    "status:429=0.002,status:500=0.01,status:503=0.005,reset=0.005,truncate=0.002,html=0.002,"
    "delay:50ms=0.002,delay:1500ms=0.0004"
)


def check_account(result, server):
    """The summary balances and says what the server knows."""
    summary = result.summary
    expected = outcomes(server.outcomes)
    found = sum(1 for _, status, _ in expected if status == "found")
    assert summary["state"] == "complete"
    assert summary["records"] == summary["found"] + summary["absent"] + summary["failed"] == server.users
    assert (summary["found"], summary["absent"], summary["failed"]) == (found, server.users - found, 0)
    assert summary["endpoints"] == sum(count for _, _, count in expected)
    return summary


def check_users(store, server):
    """A row for each user, in input order, with what the server knows of them."""
    rows = store.query("SELECT user_id, status, endpoint_count, ordinal FROM users ORDER BY ordinal")
    assert rows == [(*expected, ordinal) for ordinal, expected in enumerate(outcomes(server.outcomes))]


@pytest.mark.limit(400)
@pytest.mark.parametrize("users", [6000, pytest.param(20000, marks=pytest.mark.soak)])
def test_accounts_for_every_user_at_any_concurrency(sluice, synthetic, users):
    server = synthetic(users=users, faults=FAULTS)
    # All at once: what takes time is the waiting of the one that asks for one user after the other.
    started = {}
    for concurrency in (1, 16, 256):
        pipeline = sluice.pipeline(f"at-{concurrency}", server.url, server.ids, concurrency=concurrency)
        started[concurrency] = (pipeline, sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE))
    stores = []
    for concurrency, (pipeline, process) in started.items():
        result = process.wait(300).expect(0)
        summary = check_account(result, server)
        assert summary["retries"] > 0 and summary["throttled"] > 0, summary
        # A user who was parked is asked for once more, which is no retry.
        assert 0 <= summary["requests"] - server.users - summary["retries"] <= 100, summary
        store = Store(pipeline.database)
        store.check()
        check_users(store, server)
        assert {table: store.count(table) for table in summary["rows"]} == summary["rows"]
        assert not pipeline.database.with_name("endpoints.sqlite-wal").exists(), "a complete store is one file"
        stores.append(store)
        print(f"concurrency {concurrency}: {result.elapsed:.1f} s, {summary['records_per_second']:.0f} users/s")
    same_content(stores[0], stores[1])
    same_content(stores[0], stores[2])


@pytest.mark.limit(120)
def test_every_cell_equals_the_oracle(sluice, synthetic):
    """Every quirk of real answers is among the synthetic ones; an independent flattening says what must be stored."""
    server = synthetic(users=2500, seed=7, archive=True, faults=FAULTS)
    pipeline = sluice.pipeline("oracle", server.url, server.ids)
    summary = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0).summary
    rows, with_extra = compare(Store(pipeline.database), server, summary["run_id"], "2026-01-02T03:04:05.000Z")
    print(f"{rows} rows, {with_extra} endpoints with something in extra")
    assert with_extra > 100


@pytest.mark.limit(120)
def test_a_limit_that_the_client_is_not_told(sluice, synthetic):
    """The server allows 300 a second; the client has to find out, and loses nobody."""
    server = synthetic(users=6000, rate=300, burst=30, latency="10ms")
    pipeline = sluice.pipeline(
        "throttled", server.url, server.ids, rate_limit={"requests_per_second": 5000, "burst": 30, "adaptive": True}
    )
    result = sluice.run(pipeline).expect(0)
    summary = check_account(result, server)
    assert summary["throttled"] > 0
    # How well the limit is filled is for a measurement over minutes to say: this run is short, begins unknowing, and
    # shares its processors. Here it must merely not have collapsed.
    assert summary["records_per_second"] >= 0.4 * 300, summary

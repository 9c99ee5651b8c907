"""Memory doesn't grow with the number of users."""

import os
import sqlite3
import time
from contextlib import closing, suppress

import pytest
from support.content import Store

LIMIT = 120


def unknown_users(path, count):
    with open(path, "w") as file:
        file.writelines(f"nobody-{number:07d}\n" for number in range(count))
    return path


def committed(database):
    """How many records a run has committed so far."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store, suppress(sqlite3.OperationalError):
        return store.execute("SELECT max(next_ordinal) FROM sluice_checkpoints").fetchone()[0] or 0
    return 0


def peaks(sluice, server, users, count, early):
    """Runs a pipeline; the peaks of its resident memory in MiB: when `early` of its users were committed, and at its end."""
    pipeline = sluice.pipeline(
        "large",
        server.url,
        users,
        concurrency=64,
        limits={"max_absent": "100%"},
        rate_limit={"requests_per_second": 100000, "burst": 1000, "adaptive": False},
    )
    process = sluice.start_run(pipeline)
    while (done := committed(pipeline.database)) < early:
        assert process.poll() is None, process.poll().err
        time.sleep(0.1)
    process.look_at_memory()
    small = process.peak_kibibytes / 1024
    result = process.wait(6000).expect(0)
    assert done <= count * 0.9, f"{done} of {count} were committed before anybody looked"
    assert result.summary["records"] == count and result.summary["failed"] == 0
    assert Store(pipeline.database).count("users") == count
    large = result.peak_mebibytes
    print(f"{count} users: {small:.0f} MiB after {done}, {large:.0f} MiB at the end, {result.elapsed:.0f} s")
    return small, large


@pytest.mark.limit(240)
def test_ids_alone(sluice, synthetic, tmp_path):
    """IDs that the server doesn't know: many of them, and next to no rows."""
    # So many at first that SQLite's cache, which is bounded, is full.
    small, large = peaks(
        sluice, synthetic(users=10), unknown_users(tmp_path / "users.txt", 160_000), 160_000, early=100_000
    )
    assert large <= LIMIT and large <= small * 1.05 + 2


@pytest.mark.limit(240)
def test_users_with_endpoints(sluice, synthetic):
    server = synthetic(users=20_000)
    small, large = peaks(sluice, server, server.ids, 20_000, early=5_000)
    assert large <= LIMIT and large <= small * 1.12 + 4


def soak_counts():
    """The number of users, and a tenth of it; but not so few that SQLite's cache isn't full."""
    count = int(os.environ["SLUICE_SOAK_USERS"])
    return count, max(count // 10, min(100_000, count // 2))


@pytest.mark.soak
@pytest.mark.limit(1800)
def test_a_million_ids(sluice, synthetic, tmp_path):
    count, early = soak_counts()
    small, large = peaks(sluice, synthetic(users=10), unknown_users(tmp_path / "users.txt", count), count, early)
    assert large <= LIMIT and large <= small * 1.08


@pytest.mark.soak
@pytest.mark.limit(9000)
def test_a_million_users(sluice, synthetic):
    count, early = soak_counts()
    server = synthetic(users=count)
    small, large = peaks(sluice, server, server.ids, count, early)
    assert large <= LIMIT and large <= small * 1.08

"""Memory doesn't grow with the number of users."""

import os

import pytest
from support.content import Store

LIMIT = 120


def unknown_users(path, count):
    with open(path, "w") as file:
        file.writelines(f"nobody-{number:07d}\n" for number in range(count))
    return path


def peak(sluice, name, server, users, count):
    """Runs a pipeline; the peak of its resident memory in MiB."""
    pipeline = sluice.pipeline(
        name,
        server.url,
        users,
        concurrency=64,
        limits={"max_absent": "100%"},
        rate_limit={"requests_per_second": 100000, "burst": 1000, "adaptive": False},
    )
    result = sluice.run(pipeline, timeout=6000).expect(0)
    assert result.summary["records"] == count and result.summary["failed"] == 0
    assert Store(pipeline.database).count("users") == count
    print(f"{name}: {count} users, {result.peak_mebibytes:.0f} MiB, {result.elapsed:.0f} s")
    return result.peak_mebibytes


@pytest.mark.limit(240)
def test_ids_alone(sluice, synthetic, tmp_path):
    """IDs that the server doesn't know: many of them, and next to no rows."""
    server = synthetic(users=10)
    # The smaller one is large enough to fill SQLite's cache, which is bounded.
    small = peak(sluice, "small", server, unknown_users(tmp_path / "small.txt", 120_000), 120_000)
    large = peak(sluice, "large", server, unknown_users(tmp_path / "large.txt", 240_000), 240_000)
    assert large <= LIMIT and large <= small * 1.05 + 2


@pytest.mark.limit(240)
def test_users_with_endpoints(sluice, synthetic):
    few, many = synthetic(users=5_000), synthetic(users=20_000)
    small = peak(sluice, "small", few, few.ids, 5_000)
    large = peak(sluice, "large", many, many.ids, 20_000)
    assert large <= LIMIT and large <= small * 1.12 + 4


def soak_counts():
    """The number of users, and a tenth of it; but not so few that SQLite's cache isn't full."""
    count = int(os.environ["SLUICE_SOAK_USERS"])
    return count, max(count // 10, min(100_000, count // 2))


@pytest.mark.soak
@pytest.mark.limit(1800)
def test_a_million_ids(sluice, synthetic, tmp_path):
    count, fewer = soak_counts()
    server = synthetic(users=10)
    small = peak(sluice, "small", server, unknown_users(tmp_path / "small.txt", fewer), fewer)
    large = peak(sluice, "large", server, unknown_users(tmp_path / "large.txt", count), count)
    assert large <= LIMIT and large <= small * 1.08


@pytest.mark.soak
@pytest.mark.limit(9000)
def test_a_million_users(sluice, synthetic):
    count, fewer = soak_counts()
    few, many = synthetic(users=fewer), synthetic(users=count)
    small = peak(sluice, "small", few, few.ids, fewer)
    large = peak(sluice, "large", many, many.ids, count)
    assert large <= LIMIT and large <= small * 1.08

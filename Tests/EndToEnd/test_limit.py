"""`--limit N`: exactly the first records, and never all that a `replace` replaces."""

import pytest
from support.archives import archive, endpoints, ordinals, spread
from support.content import Store
from support.kills import NDJSONPlace, SQLitePlace
from support.readers import file_input
from support.sluice import LOGICAL_DATE

DATED = ("--logical-date", LOGICAL_DATE)


@pytest.fixture
def server(synthetic):
    return synthetic(users=600)


def write(sluice, name, server, **settings):
    settings = {"batch_size": 50, "limits": {"max_removed": "100%"}, **settings}
    return sluice.pipeline(name, server.url, server.ids, **settings)


@pytest.mark.parametrize("limit", [1, 49, 50, 51, 599, 600, 1000])
def test_the_first(sluice, server, limit):
    pipeline = write(sluice, "first", server)
    summary = sluice.run(pipeline, "--limit", limit, *DATED).expect(0).summary
    users = server.ids.read_text().split()[:limit]
    assert summary["records"] == len(users) and summary["state"] == "complete"
    store = Store(pipeline.database)
    assert [user for (user,) in store.query("SELECT user_id FROM users ORDER BY ordinal")] == users


def test_the_first_of_faulty_input(sluice, server, tmp_path):
    """Failures are records as well; blank lines are none."""
    given = file_input(tmp_path, "", "users.txt", b"user-000001\n\n..\nuser-000002\n.\nuser-000003\n")
    pipeline = sluice.pipeline("faulty", server.url, given.options)
    summary = sluice.run(pipeline, "--limit", 3, *DATED).expect(65).summary
    assert (summary["records"], summary["failed"]) == (3, 1)


def test_the_first_of_an_archive(sluice, tmp_path, dice):
    spread(tmp_path / "exports", endpoints(400), 5, dice)
    pipeline = archive(sluice, "archive", tmp_path / "exports", batch_size=30)
    summary = sluice.run(pipeline, "--limit", 233, *DATED).expect(0).summary
    assert summary["records"] == 233
    found = Store(pipeline.database).query("SELECT ordinal FROM endpoints ORDER BY 1")
    assert found == [(number,) for number in ordinals(tmp_path / "exports")[:233]]


def test_the_first_of_a_shard(sluice, server):
    """The input is taken to end after so many records, for all shards together."""
    pipeline = write(sluice, "shards", server)
    parts = [sluice.run(pipeline, "--limit", 100, "--shard", f"{n}/3", *DATED).expect(0) for n in range(3)]
    assert sum(part.summary["records"] for part in parts) == 100
    users = server.ids.read_text().split()[:100]
    assert sorted(user for (user,) in Store(pipeline.database).query("SELECT user_id FROM users")) == users


@pytest.mark.parametrize("kind", ["sqlite", "ndjson"])
def test_a_replace_is_never_published(sluice, server, tmp_path, kind):
    place = (SQLitePlace if kind == "sqlite" else NDJSONPlace)(tmp_path / "store", "replace")
    pipeline = write(sluice, "replace", server, sinks=[place.sink])
    sluice.run(pipeline, "--logical-date", "2026-01-01").expect(0)
    published = place.published()
    for limit in (100, 100):
        result = sluice.run(pipeline, "--logical-date", "2026-01-02", "--limit", limit).expect(65)
        assert (result.summary["state"], result.summary["records"]) == ("unpublished", 100)
        assert {sink["state"] for sink in result.summary["sinks"]} == {"unpublished"}
        assert place.published() == published and published, "what was there stays"
    # Accepting failures doesn't make it the whole.
    pipeline.document["limits"]["accept_failed"] = 1000
    sluice.run(pipeline.write(), "--logical-date", "2026-01-02", "--limit", 100).expect(65)
    assert place.published() == published
    summary = sluice.run(pipeline, "--logical-date", "2026-01-03", "--fresh").expect(0).summary
    assert summary["records"] == 600 and place.published() != published


@pytest.mark.parametrize("other", [["--limit", 400], []])
def test_another_limit(sluice, server, other):
    """A run keeps the end that it was begun with."""
    pipeline = write(sluice, "other", server)
    plan = {"SLUICE_FAILPOINT": "sqlite.commit.before#3=kill"}
    killed = sluice.run(pipeline, "--limit", 300, *DATED, environment=plan)
    if killed.code == 0:
        pytest.skip("this program was built without the trait Failpoints")
    assert killed.code == -9
    assert "--fresh" in sluice.run(pipeline, *other, *DATED).expect(78).message
    summary = sluice.run(pipeline, "--limit", 300, *DATED).expect(0).summary
    assert summary["records"] == 300 and summary["resumed_from"] > 0


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", ""])
def test_no_limit(sluice, server, limit):
    sluice.run(write(sluice, "usage", server), f"--limit={limit}", *DATED).expect(64)

"""What a second `sluice run` of the same pipeline does."""

import os
import signal
import time

import pytest
from support.content import Store, same_content
from support.scripted_server import endpoints, error
from support.sluice import LOGICAL_DATE
from test_outage import wait_for_commit

USERS = [f"user-{number:05d}" for number in range(3000)]


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user, count=2))


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("\n".join(USERS) + "\n")
    return path


@pytest.fixture
def interrupted(sluice, server, users):
    """A pipeline with an unfinished run: some batches are committed, then it was killed."""
    pipeline = sluice.pipeline(
        "resumed", server.url, users, batch_size=100, rate_limit={"requests_per_second": 1500, "burst": 10}
    )
    process = sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)
    wait_for_commit(process, pipeline, 500)
    process.kill()
    assert process.result.code == -signal.SIGKILL
    pipeline.committed = committed_ordinal(pipeline)
    # What the dead process had sent may still arrive.
    time.sleep(0.2)
    server.asked.clear()
    return pipeline


def committed_ordinal(pipeline):
    return Store(pipeline.database).next_ordinal


def users_in(pipeline):
    return [user for (user,) in Store(pipeline.database).query("SELECT user_id FROM users ORDER BY ordinal")]


def test_an_unfinished_run_goes_on(sluice, server, interrupted):
    result = sluice.run(interrupted).expect(0)
    assert result.summary["resumed_from"] == interrupted.committed
    assert result.summary["run_id"] == "under-test-20260102T030405Z"
    assert result.summary["records"] == len(USERS) and users_in(interrupted) == USERS
    assert min(server.asked) == USERS[interrupted.committed]
    assert f"resumed after {interrupted.committed} records" in result.err, "it says so"


def test_input_that_was_prolonged(sluice, server, users, interrupted):
    """The same beginning: what was added belongs to this run, for its input had not ended."""
    more = [f"late-{number:03d}" for number in range(250)]
    with open(users, "a") as file:
        file.write("\n".join(more) + "\n")
    result = sluice.run(interrupted).expect(0)
    assert result.summary["resumed_from"] == interrupted.committed
    assert result.summary["records"] == len(USERS) + 250 and users_in(interrupted) == USERS + more


def test_input_that_changed(sluice, server, users, interrupted):
    changed = ["somebody-else"] + USERS[1:]
    users.write_text("\n".join(changed) + "\n")
    result = sluice.run(interrupted).expect(66)
    assert "on_changed_input" in result.message or "--fresh" in result.message, result.err
    assert not server.asked, "checked before the first call"
    assert committed_ordinal(interrupted) == interrupted.committed
    assert Store(interrupted.database).run_states == ["running"]
    # The old input back: nothing is lost.
    users.write_text("\n".join(USERS) + "\n")
    assert sluice.run(interrupted).expect(0).summary["resumed_from"] == interrupted.committed


def test_input_that_is_shorter_than_what_was_read(sluice, server, users, interrupted):
    users.write_text("\n".join(USERS[: interrupted.committed - 50]) + "\n")
    sluice.run(interrupted).expect(66)
    assert not server.asked


def test_input_that_changed_and_may(sluice, server, users, interrupted):
    changed = ["somebody-else"] + USERS[1:]
    users.write_text("\n".join(changed) + "\n")
    interrupted.document["on_changed_input"] = "restart"
    result = sluice.run(interrupted.write()).expect(0)
    assert result.summary["resumed_from"] is None and result.summary["records"] == len(USERS)
    store = Store(interrupted.database)
    assert sorted(store.run_states) == ["abandoned", "complete"]
    assert server.asked["somebody-else"] == 1


def test_a_changed_configuration(sluice, server, interrupted):
    """What shapes the output may not change in the middle of a run; what doesn't, may."""
    interrupted.document["batch_size"] = 70
    result = sluice.run(interrupted.write()).expect(78)
    assert "--fresh" in result.message
    assert not server.asked
    interrupted.document["batch_size"] = 100
    interrupted.document["source"]["concurrency"] = 3
    interrupted.document["source"]["retry"] = {"max_attempts": 3}
    interrupted.document["limits"] = {"max_failed": "5%"}
    assert sluice.run(interrupted.write()).expect(0).summary["resumed_from"] == interrupted.committed


def test_fresh(sluice, server, interrupted):
    interrupted.document["batch_size"] = 70
    result = sluice.run(interrupted.write(), "--fresh").expect(0)
    assert result.summary["resumed_from"] is None
    assert len(server.asked) == len(USERS), "everybody is asked for again"
    store = Store(interrupted.database)
    assert store.run_states.count("complete") == 1
    assert users_in(interrupted) == USERS


def test_another_date_finishes_the_run_first(sluice, server, interrupted):
    result = sluice.run(interrupted, "--logical-date", "2026-02-03T00:00:00Z").expect(0)
    assert [summary["run_id"] for summary in result.summaries] == [
        "under-test-20260102T030405Z",
        "under-test-20260203T000000Z",
    ]
    assert [summary["resumed_from"] for summary in result.summaries] == [interrupted.committed, None]
    assert all(summary["records"] == len(USERS) for summary in result.summaries)


def test_a_run_that_is_done(sluice, server, users):
    """The same date again does nothing; no date is a new run, with the next free date."""
    pipeline = sluice.pipeline("again", server.url, users)
    first = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    server.asked.clear()
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert not server.asked
    second = sluice.run(pipeline).expect(0)
    third = sluice.run(pipeline).expect(0)
    ids = {result.summary["run_id"] for result in (first, second, third)}
    assert len(ids) == 3
    assert server.asked["user-00000"] == 2
    assert Store(pipeline.database).run_states == ["complete"] * 3
    assert set(Store(pipeline.database).query("SELECT run_id FROM users")) == {(third.summary["run_id"],)}


def test_merge_keeps_the_newest_state(sluice, server, users):
    """A later run replaces a user's rows as a whole, removes what is gone, and leaves a failed user alone."""
    server.answer = lambda request: endpoints(request.user, count=3)
    few = users.parent / "few.txt"
    few.write_text("anna\nbert\ncarla\n")
    pipeline = sluice.pipeline("merge", server.url, few, retry={"max_attempts": 2, "max_delay": "100ms"})
    sluice.run(pipeline).expect(0)
    assert Store(pipeline.database).count("endpoints") == 9

    def later(request):
        if request.user == "anna":
            return endpoints(request.user, count=1)
        if request.user == "bert":
            return error(404, "NotFoundException", "User not found")
        return error(400, "BadRequestException", "Something about this user")

    server.answer = later
    result = sluice.run(pipeline).expect(65)
    assert (result.summary["found"], result.summary["absent"], result.summary["failed"]) == (1, 1, 1)
    assert result.summary["removed"] == 5
    store = Store(pipeline.database)
    assert dict(store.query("SELECT user_id, count(*) FROM endpoints GROUP BY user_id")) == {"anna": 1, "carla": 3}
    assert store.query("SELECT user_id, status, endpoint_count FROM users ORDER BY user_id") == [
        ("anna", "found", 1),
        ("bert", "absent", 0),
        ("carla", "found", 3),
    ]
    assert store.failures("user_id", "status", "code", "attempts") == [("carla", 400, "BadRequestException", 1)]
    for table in ("endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"):
        orphans = f"SELECT count(*) FROM {table} WHERE endpoint_id NOT IN (SELECT endpoint_id FROM endpoints)"
        assert store.value(orphans) == 0


def test_from_another_folder(sluice, server, users, tmp_path):
    """Relative paths are relative to the pipeline's file, wherever one stands."""
    pipeline = sluice.pipeline("folder", server.url, {"type": "file", "path": "../users.txt", "format": "lines"})
    before = os.getcwd()
    try:
        os.chdir("/")
        sluice.run(pipeline).expect(0)
    finally:
        os.chdir(before)
    reference = sluice.pipeline("reference", server.url, users)
    sluice.run(reference).expect(0)
    same_content(Store(pipeline.database), Store(reference.database), without={"run_id", "logical_date"})

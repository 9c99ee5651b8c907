"""A `replace` with more failures than are accepted isn't published: it waits, and readers keep what they had."""

import pytest
from support.content import Store
from support.kills import NDJSONPlace, SQLitePlace
from support.scripted_server import endpoints, error

USERS = [f"user-{number:03d}" for number in range(200)]


@pytest.fixture(params=["sqlite", "ndjson", "both"])
def places(request, tmp_path):
    all_places = {
        "sqlite": SQLitePlace(tmp_path / "sqlite", "replace"), "ndjson": NDJSONPlace(tmp_path / "ndjson", "replace"),
    }  # fmt: skip
    return list(all_places.values()) if request.param == "both" else [all_places[request.param]]


@pytest.fixture
def waiting(sluice, scripted, tmp_path, places):
    """A pipeline whose second run has ended with three failures, and waits; `published` is what readers had before."""
    server = scripted(lambda request: endpoints(request.user, count=2))
    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    pipeline = sluice.pipeline(
        "waiting", server.url, tmp_path / "users.txt", batch_size=30, sinks=[place.sink for place in places],
        retry={"max_attempts": 1},
    )  # fmt: skip
    sluice.run(pipeline, "--logical-date", "2026-01-01").expect(0)
    pipeline.published = [place.published() for place in places]
    assert all(pipeline.published)
    failing = {USERS[3], USERS[77], USERS[199]}

    def answer(request):
        if request.user in failing:
            return error(400, "BadRequestException", "Something about this user")
        return endpoints(request.user, count=1)

    server.answer = answer
    result = sluice.run(pipeline, "--logical-date", "2026-01-02").expect(65)
    summary = result.summary
    assert (summary["found"], summary["failed"], summary["state"]) == (197, 3, "unpublished")
    assert {sink["state"] for sink in summary["sinks"]} == {"unpublished"}
    assert "accept_failed" in result.err and "--fresh" in result.err, result.err
    assert [place.published() for place in places] == pipeline.published, "readers keep what they had"
    server.asked.clear()
    pipeline.server = server
    return pipeline


@pytest.mark.parametrize("arguments", [[], ["--logical-date", "2026-01-03"]])
def test_another_date_takes_its_place(sluice, waiting, places, arguments):
    waiting.server.answer = lambda request: endpoints(request.user, count=3)
    result = sluice.run(waiting, *arguments).expect(0)
    assert "under-test-20260102T000000Z" in result.err and "takes its place" in result.err
    assert result.summary["run_id"] != "under-test-20260102T000000Z" and result.summary["endpoints"] == 600
    for place in places:
        if isinstance(place, SQLitePlace):
            assert Store(place.database).run_states == ["complete", "abandoned", "complete"]
        assert place.published() not in waiting.published


def test_it_is_retried_in_a_run(sluice, waiting, places):
    waiting.server.answer = lambda request: endpoints(request.user, count=1)
    waiting.document["limits"] = {"max_removed": "100%"}
    result = sluice.run(waiting.write(), "--logical-date", "2026-01-02", "--retry").expect(0)
    assert (result.summary["state"], result.summary["failed"]) == ("complete", 0)
    assert len(waiting.server.asked) == 3


@pytest.mark.parametrize("separate", [False, True])
def test_a_record_without_a_usable_id(sluice, waiting, places, tmp_path, separate):
    """It is no failure like others: the list is mended, or it is accepted as such."""
    users = tmp_path / "users.txt"
    waiting.server.answer = lambda request: endpoints(request.user, count=1)
    waiting.document["limits"] = {"max_removed": "100%", "accept_failed": 1}
    users.write_text("\n".join([*USERS, ".."]) + "\n")
    day = ("--logical-date", "2026-01-03")
    result = sluice.run(waiting.write(), *day).expect(65)
    assert result.summary["state"] == "unpublished" and "accept_invalid" in result.err
    assert "sluice retry" not in result.err, "which wouldn't help"
    assert [place.published() for place in places] == waiting.published
    if separate:
        users.write_text("\n".join(USERS) + "\n")
        assert sluice.run(waiting).expect(0).summary["failed"] == 0
    else:
        waiting.document["limits"] = {"max_removed": "100%", "accept_invalid": 1}
        assert sluice.run(waiting.write(), *day).expect(0).summary["failed"] == 1
    assert all(place.published() not in waiting.published for place in places)


def test_it_blocks_its_own_date(sluice, waiting, places):
    for arguments in (["--logical-date", "2026-01-02"], ["--logical-date", "2026-01-02"]):
        result = sluice.run(waiting, *arguments).expect(65)
        assert "accept_failed" in result.err
        assert result.summary["state"] == "unpublished"
    assert not waiting.server.asked, "nobody is asked for again"
    assert [place.published() for place in places] == waiting.published


def test_its_failures_are_accepted(sluice, waiting, places):
    waiting.document["limits"] = {"accept_failed": 3, "max_removed": "100%"}
    result = sluice.run(waiting.write()).expect(0)
    assert (result.summary["run_id"], result.summary["state"]) == ("under-test-20260102T000000Z", "complete")
    # Each user but three had two endpoints and has one now; the three have none any more.
    assert result.summary["removed"] == 203
    assert not waiting.server.asked, "it was fetched already"
    for place in places:
        if isinstance(place, SQLitePlace):
            store = Store(place.database)
            assert store.query("SELECT DISTINCT run_id FROM users") == [(result.summary["run_id"],)]
            assert (store.count("users"), store.count("endpoints"), store.count("failures")) == (197, 197, 3)
            assert store.run_states == ["complete", "complete"]
        place.content()
    assert all(place.published() for place in places)
    # And the next run is one like any other.
    waiting.server.answer = lambda request: endpoints(request.user, count=3)
    summary = sluice.run(waiting, "--logical-date", "2026-01-03").expect(0).summary
    assert (summary["endpoints"], summary["removed"]) == (600, 0)


def test_it_is_given_up(sluice, waiting, places):
    waiting.server.answer = lambda request: endpoints(request.user, count=3)
    result = sluice.run(waiting, "--fresh", "--logical-date", "2026-01-03").expect(0)
    assert result.summary["run_id"] == "under-test-20260103T000000Z" and result.summary["endpoints"] == 600
    assert len(waiting.server.asked) == len(USERS)
    for place in places:
        if isinstance(place, SQLitePlace):
            store = Store(place.database)
            assert store.run_states == ["complete", "abandoned", "complete"]
            assert (store.count("endpoints"), store.count("failures")) == (600, 0)
        assert place.content() and place.published() not in waiting.published


def test_the_brake_on_removals(sluice, waiting, places):
    """What a `replace` would take away counts as removed when it is published; the brake holds that back as well."""
    waiting.document["limits"] = {"accept_failed": 3, "max_removed": 202}
    result = sluice.run(waiting.write()).expect(76)
    assert "max_removed" in result.message
    assert [place.published() for place in places] == waiting.published
    sluice.run(waiting, "--accept", "removed").expect(0)
    assert all(place.published() not in waiting.published for place in places)

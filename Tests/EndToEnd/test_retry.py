"""`sluice retry`: users who failed in a run and answer later. Afterwards the content is that of a run in which they
never failed, in every sink and mode."""

import signal
import time

import pytest
from support.archives import archive, line
from support.archives import endpoint as archived
from support.content import Store
from support.ndjson import Folder
from support.retries import BATCH, COUNT, DAY, EVE, FAILING, NEXT, RUN, Retrial, names
from support.scripted_server import endpoints, error
from support.stores import moment, reading, same_rows, sinks

KINDS = [
    "sqlite merge", "sqlite append", "sqlite replace", "ndjson replace", "postgres append",
    "sqlite append + postgres merge", "sqlite replace + postgres replace + ndjson replace",
]  # fmt: skip


@pytest.fixture
def trial(sluice, scripted, postgres, tmp_path, kinds):
    return Retrial(sluice, scripted, postgres, tmp_path, kinds)


# Everybody answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", KINDS)
def test_content_as_if_nobody_had_failed(trial, kinds):
    published = "replace" not in kinds
    first = trial.begin()
    assert first.summary["state"] == ("complete" if published else "unpublished")
    result = trial.retry().expect(0)
    summary = result.summary
    assert (summary["run_id"], summary["state"]) == (RUN, "complete")
    assert (summary["records"], summary["failed"]) == (COUNT, 0) and summary["found"] + summary["absent"] == COUNT
    # Those who failed are asked for, and nobody else.
    users = names()
    assert set(trial.server.asked) == {users[number] for number in [31, *FAILING]}
    assert sum(trial.server.asked.values()) == trial.failed
    trial.check_mended()
    # It is done: again is nothing, and the next day's run is one like any other.
    held = trial.now()
    trial.server.asked.clear()
    assert trial.retry().expect(0).summary["failed"] == 0
    assert not trial.server.asked and trial.now() == held
    trial.run(*NEXT).expect(0)
    if "postgres" not in kinds:
        trial.sluice.run(trial.reference, *NEXT).expect(0)
        for place, other in zip(trial.stores, trial.others, strict=True):
            same_rows(place, other)


@pytest.mark.parametrize("kinds", ["sqlite merge + postgres append", "sqlite replace + ndjson replace"])
def test_some_still_fail(trial, kinds):
    """What succeeds is amended, what fails stays a failure, with its place; a waiting `replace` waits on."""
    trial.begin()
    before = [place.published() for place in trial.stores if place.mode == "replace"]
    users = names()
    trial.population.fail([number for number in FAILING if 300 <= number < 330])
    trial.population.once = set()
    result = trial.retry().expect(65)
    assert result.summary["failed"] == 31, "one of them stands there twice"
    assert result.summary["state"] == ("unpublished" if before else "complete")
    assert [place.published() for place in trial.stores if place.mode == "replace"] == before
    for place in trial.stores:
        if place.sink["type"] == "ndjson":
            continue
        failures = [
            (int(n), user) for n, user in reading(place).query("SELECT ordinal, user_id FROM failures ORDER BY 1")
        ]
        assert failures == sorted((n, users[n]) for n in [*range(300, 330), 367]), failures
    # Once more, and all of them are there.
    trial.population.recover()
    trial.server.asked.clear()
    trial.retry().expect(0)
    assert sum(trial.server.asked.values()) == 31
    trial.check_mended()


@pytest.mark.parametrize("kinds", ["sqlite replace + ndjson replace"])
def test_enough_to_be_published(trial):
    """A waiting `replace` is published once no more are left than are accepted, and says that some have failed."""
    trial.begin(reference=False)
    trial.pipeline.document["limits"]["accept_failed"] = 5
    trial.pipeline.write()
    trial.population.fail([300, 301, 302, 303])
    trial.population.once = set()
    summary = trial.retry().expect(0).summary
    assert (summary["state"], summary["failed"]) == ("complete", 4)
    assert [place.published() != {} for place in trial.stores] == [True, True]
    store = Store(trial.stores[0].database)
    assert store.query("SELECT DISTINCT run_id FROM users") == [(RUN,)]
    assert [row[0] for row in store.failures("ordinal")] == [300, 301, 302, 303]
    assert len(Folder(trial.stores[1].folder).current.rows("failures")) == 4


@pytest.mark.parametrize("kinds", ["sqlite merge", "postgres merge"])
def test_what_they_have_now(trial):
    """A failed user's stale endpoints go, others are replaced, and one that left for another user stays there."""
    trial.begin()
    store = reading(trial.stores[0])
    stale = f"SELECT count(*) FROM endpoints WHERE run_id <> '{RUN}'"
    assert int(store.query(stale)[0][0]) > 0, "a failed fetch removes nothing"
    trial.retry().expect(0)
    assert int(store.query(stale)[0][0]) == 0
    owners = dict(store.query("SELECT endpoint_id, user_id FROM endpoints WHERE endpoint_id LIKE 'shared-%'"))
    assert owners == {"shared-7": "user-558", "shared-21": "user-572", "shared-12": "user-582"}, "the later one has it"


# What can't be mended ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", ["sqlite append + postgres merge", "sqlite replace + ndjson replace"])
def test_failures_of_the_input(trial, kinds):
    """Nobody can be asked for them: they stay what they are, and the others are mended."""
    users = names()
    users[3], users[103], users[599] = ".", "", ".."
    trial.write(users)
    trial.population.more = 0
    trial.population.fail([7, 300])
    trial.population.once = set()
    trial.sluice.run(trial.pipeline, *DAY).expect(65)
    trial.population.recover()
    trial.server.asked.clear()
    result = trial.retry().expect(65)
    # An empty line is none.
    assert result.summary["failed"] == 2
    assert set(trial.server.asked) == {users[7], users[300]}
    for place in trial.stores:
        if place.sink["type"] == "sqlite":
            # Ordinals beyond the empty line are one less.
            assert Store(place.database).failures("ordinal", "code") == [(3, "InvalidUserId"), (598, "InvalidUserId")]
    held = trial.now()
    trial.retry().expect(65)
    assert trial.now() == held and sum(trial.server.asked.values()) == 2
    trial.pipeline.document["limits"]["accept_invalid"] = 2
    trial.pipeline.write()
    assert trial.retry().expect(0).summary["state"] == "complete"


def test_failures_of_an_archive(sluice, tmp_path):
    (tmp_path / "export.json").write_bytes(line(archived(1)) + b"no JSON\n" + line(archived(2)))
    pipeline = archive(sluice, "archive", tmp_path / "export.json")
    sluice.run(pipeline, *DAY).expect(65)
    before = Store(pipeline.database).account()
    result = sluice("retry", pipeline.file)
    assert result.code in (65, 78) and "archive" in result.err.lower(), (result.code, result.err)
    assert Store(pipeline.database).account()["runs"] == before["runs"]
    assert Store(pipeline.database).count("failures") == 1


@pytest.mark.parametrize("kinds", ["ndjson append"])
def test_files_that_are_published(trial):
    """Whoever has read them would never learn of a change: they stay."""
    trial.begin(reference=False)
    held = trial.now()
    result = trial.retry()
    assert result.code == 65, result.err
    assert "published" in result.err and "--fresh --logical-date 2026-01-02T00:00:00.000Z --retry" in result.err
    assert "sluice retry" not in result.err, "which wouldn't help"
    assert trial.now() == held and not trial.server.asked


@pytest.mark.parametrize("kinds", ["sqlite merge + ndjson append", "sqlite append + ndjson replace"])
def test_in_the_same_call(trial):
    """`run --retry` asks again before it ends, so what is published for good has it too."""
    trial.population.more = 1
    for pipeline in (trial.pipeline, trial.reference):
        trial.sluice.run(pipeline, *EVE).expect(0)
    trial.population.more = 0
    trial.sluice.run(trial.reference, *DAY).expect(0)
    users = names()
    trial.population.once = {int(users[number][-3:]) for number in FAILING}
    trial.server.asked.clear()
    summary = trial.run(*DAY, "--retry").expect(0).summary
    assert (summary["failed"], summary["state"]) == (0, "complete")
    assert summary["retried"]["failed"] == 0 and summary["retried"]["found"] > 0
    for place, other in zip(trial.stores, trial.others, strict=True):
        same_rows(place, other)


@pytest.mark.parametrize("kinds", ["sqlite append + ndjson append"])
def test_published_files_beside_a_database(trial):
    """Refused as a whole, or said for the files alone; either way the pipeline goes on the next day."""
    trial.begin()
    files = moment(trial.stores[1])
    before = moment(trial.stores[0])
    result = trial.retry()
    assert moment(trial.stores[1]) == files and "published" in result.err
    if moment(trial.stores[0]) != before:
        same_rows(trial.stores[0], trial.others[0])
    else:
        assert result.code != 0 and not trial.server.asked
    assert result.code != 0 or moment(trial.stores[0]) != before
    for pipeline in (trial.pipeline, trial.reference):
        trial.sluice.run(pipeline, *NEXT).expect(0)
    again = trial.retry()
    assert again.code == 0, again.err


# What has happened meanwhile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", ["sqlite merge + postgres merge"])
def test_a_later_run_has_fetched_them(trial):
    """`retry` is about the last run; the earlier one's failures stay as a note of what was."""
    trial.begin(reference=False)
    trial.run(*NEXT).expect(0)
    held = trial.now()
    trial.server.asked.clear()
    trial.retry().expect(0)
    assert not trial.server.asked and trial.now() == held


@pytest.mark.parametrize("kinds", ["sqlite merge", "postgres merge"])
def test_another_pipeline_has_fetched_them(trial, sluice):
    """Into the same tables: who failed here may be there already, and is fetched now: whole, and once."""
    trial.begin(reference=False)
    trial.population.more = 1
    other = sluice.pipeline(
        "another", trial.server.url, trial.list, sinks=sinks(trial.stores), pipeline="another", batch_size=BATCH,
        limits={"max_removed": "100%"},
    )  # fmt: skip
    sluice.run(other, *DAY).expect(0)
    trial.population.more = 0
    trial.retry().expect(0)
    store = reading(trial.stores[0])
    users = names()
    for number in (2, 302, 377):
        where = f"user_id = '{users[number]}'"
        plain = f"SELECT count(*) FROM endpoints WHERE {where} AND endpoint_id NOT LIKE 'shared%'"
        expected = 0 if number % 11 == 5 else number % 5
        assert int(store.query(plain)[0][0]) == expected, users[number]
        assert len(store.query(f"SELECT 1 FROM users WHERE {where}")) == 1
    # Who hadn't failed is as the other pipeline has left them.
    assert int(store.query("SELECT count(*) FROM endpoints WHERE user_id = 'user-001'")[0][0]) == 2
    for table, column in [("endpoint_attributes", "endpoint_id"), ("endpoint_metrics", "endpoint_id")]:
        orphans = f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT endpoint_id FROM endpoints)"
        assert int(store.query(orphans)[0][0]) == 0


@pytest.mark.parametrize("kinds", ["sqlite merge", "sqlite append"])
def test_a_list_that_has_changed(trial):
    """Their IDs stand in `failures`: the list isn't needed any more."""
    trial.begin()
    trial.write(["somebody-else"])
    trial.retry().expect(0)
    trial.write(names())
    trial.check_mended()


def needs_transforms(sluice):
    if "transform 'mask'" not in sluice("plugins").expect(0).out:
        pytest.skip("this program has no transforms")


MASK = [
    {"type": "mask", "paths": ["User.UserId", "Id", "Address"], "with": "hmac-sha256", "key": "0123456789abcdef-key"}
]


@pytest.mark.parametrize("kinds", ["sqlite merge", "postgres append", "ndjson replace"])
def test_masked_users(sluice, scripted, postgres, tmp_path, kinds):
    """`failures` doesn't say who they are: the list does, by their places."""
    needs_transforms(sluice)
    trial = Retrial(sluice, scripted, postgres, tmp_path, kinds, transforms=MASK)
    trial.begin()
    result = trial.retry().expect(0)
    assert result.summary["failed"] == 0
    users = names()
    assert set(trial.server.asked) == {users[number] for number in [31, *FAILING]}
    trial.check_mended()


@pytest.mark.parametrize("kinds", ["sqlite append"])
@pytest.mark.parametrize("how", ["others at these places", "gone", "shorter"])
def test_masked_users_whose_list_has_changed(sluice, scripted, postgres, tmp_path, kinds, how):
    """Nobody else may come in at their places."""
    needs_transforms(sluice)
    trial = Retrial(sluice, scripted, postgres, tmp_path, kinds, transforms=MASK)
    trial.begin(reference=False)
    held = trial.now()
    if how == "gone":
        trial.list.unlink()
    else:
        trial.write([f"user-{(number + 1) % COUNT:03d}" for number in range(COUNT)] if how[0] == "o" else names()[:100])
    result = trial.retry().expect(66)
    assert result.message
    assert not trial.server.asked or how == "shorter"
    if how != "shorter":
        assert trial.now() == held
    trial.write(names())
    trial.retry().expect(0)


@pytest.mark.parametrize("kinds", ["sqlite append", "postgres replace"])
@pytest.mark.parametrize("what", ["transforms", "application_id"])
def test_a_pipeline_that_has_changed(trial, what):
    """Rows of another shape don't go into this run."""
    if what == "transforms":
        needs_transforms(trial.sluice)
    trial.begin(reference=False)
    held = trial.now()
    if what == "transforms":
        trial.pipeline.document["transforms"] = [{"type": "drop", "paths": ["Address"]}]
    else:
        trial.pipeline.document["source"]["application_id"] = "f" * 32
    trial.pipeline.write()
    assert trial.retry().expect(78).message
    assert trial.now() == held and not trial.server.asked


# When it can't be done -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", ["sqlite merge + ndjson append"])
def test_nothing_to_retry(trial):
    """Before the first run; and while a run isn't over."""
    result = trial.retry()
    assert result.code in (64, 65, 66, 78) and result.message, (result.code, result.err)
    assert not trial.server.asked

    trial.population.failing = {333}
    trial.pipeline.document["limits"]["max_failed"] = 0
    trial.pipeline.write()
    trial.run(*DAY).expect(76)
    held = trial.now()
    trial.server.asked.clear()
    result = trial.retry()
    assert result.code in (64, 65, 75, 76, 78) and "run" in result.message, (result.code, result.err)
    assert trial.now() == held and not trial.server.asked


@pytest.mark.parametrize(
    "kinds, how",
    [
        ("sqlite merge", "forbidden"),
        ("sqlite merge", "broken"),
        pytest.param("sqlite replace + ndjson replace", "away", marks=pytest.mark.soak),
    ],
)
def test_the_service_does_not_answer(trial, how):
    trial.pipeline.document["source"]["retry"] = {"max_attempts": 1, "outage": "2s"}
    trial.pipeline.write()
    trial.begin()
    held = trial.now()
    if how == "away":
        trial.pipeline.document["source"]["endpoint_url"] = "http://127.0.0.1:1"
        trial.pipeline.write()
    else:
        answer = error(403, "ForbiddenException", "Forbidden") if how == "forbidden" else endpoints("x")
        if how == "broken":
            answer.body = b"<html>Sign in</html>"
        trial.server.answer = lambda request: answer
    result = trial.retry()
    assert result.code == (77 if how == "forbidden" else 69), (result.code, result.err)
    assert trial.now() == held, "nobody is amended, nobody is absent"
    trial.server.answer = trial.population.answer
    trial.pipeline.document["source"]["endpoint_url"] = trial.server.url
    trial.pipeline.write()
    trial.retry().expect(0)
    trial.check_mended()


@pytest.mark.parametrize("kinds", ["sqlite merge"])
@pytest.mark.parametrize(
    "arguments", [["--fresh"], ["--accept", "rubbish"], ["--logical-date", "2026-01-02"], ["more"]]
)
def test_wrong_usage(trial, arguments):
    trial.begin(reference=False)
    held = trial.now()
    trial.retry(*arguments).expect(64)
    assert trial.now() == held and not trial.server.asked


@pytest.mark.parametrize("kinds", ["sqlite merge + ndjson replace"])
def test_two_at_once(trial, kinds):
    """A retry excludes runs and other retries; a run excludes retries."""
    trial.begin()
    plain = trial.population.answer

    def answer(request):
        result = plain(request)
        result.delay = 60
        return result

    trial.server.answer = answer
    for first, others in [
        (trial.start_retry, [trial.retry, lambda: trial.run(*NEXT)]),
        (next_day(trial), [trial.retry]),
    ]:
        trial.server.asked.clear()
        process = first()
        deadline = time.monotonic() + 20
        while not trial.server.asked:
            assert process.poll() is None and time.monotonic() < deadline, process.poll()
            time.sleep(0.01)
        for other in others:
            assert str(process.pid) in other().expect(75).message
        process.send(signal.SIGTERM)
        process.wait(20).expect(75)
        if first == trial.start_retry:
            trial.server.answer = trial.population.answer
            trial.retry().expect(0)
            trial.check_mended()
            trial.server.answer = answer


def next_day(trial):
    return lambda: trial.sluice.start_run(trial.pipeline, *NEXT)


@pytest.mark.parametrize("kinds", ["sqlite merge + postgres append", "ndjson replace"])
def test_stopped_and_gone_on(trial):
    """SIGTERM finishes the commit at hand; what is amended is amended, and the next call does the rest."""
    trial.begin()
    plain = trial.population.answer

    def answer(request):
        result = plain(request)
        result.delay = 0.01 if len(trial.server.asked) < 120 else 30
        return result

    trial.server.answer = answer
    process = trial.start_retry()
    deadline = time.monotonic() + 30
    while len(trial.server.asked) < 120:
        assert process.poll() is None and time.monotonic() < deadline, process.poll()
        time.sleep(0.01)
    time.sleep(0.3)
    process.send(signal.SIGTERM)
    sent = time.monotonic()
    process.wait(20).expect(75)
    assert time.monotonic() - sent < 5
    trial.server.answer = trial.population.answer
    trial.server.asked.clear()
    trial.retry().expect(0)
    assert sum(trial.server.asked.values()) < trial.failed, "it goes on where it was"
    trial.check_mended()


def test_the_brakes_hold_a_retry_too(sluice, scripted, postgres, tmp_path):
    """Users of whom it is said later that nobody knows them are as many too many as in a run."""
    trial = Retrial(
        sluice, scripted, postgres, tmp_path, "sqlite merge", limits={"max_absent": 100, "max_removed": "100%"}
    )
    trial.begin(reference=False)
    trial.server.answer = lambda request: error(404, "NotFoundException", "User not found")
    result = trial.retry().expect(76)
    assert "max_absent" in result.message and "--accept" in result.message
    absent = "SELECT count(*) FROM users WHERE status = 'absent' AND run_id = (SELECT max(run_id) FROM sluice_runs)"
    store = Store(trial.stores[0].database)
    assert store.value(absent) <= 100
    held = trial.now()
    trial.retry().expect(76)
    assert trial.now() == held
    summary = trial.retry("--accept", "absent").expect(0).summary
    assert summary["absent"] == summary["records"] - summary["found"] > 200


# Parts, and stores that have gone their own ways ---------------------------------------------------------------------


@pytest.mark.parametrize("kinds", ["sqlite merge + postgres append"])
def test_a_shard(trial):
    """A part's failures are the part's."""
    trial.population.fail()
    trial.population.once = set()
    for index in (0, 1):
        trial.run(*DAY, "--shard", f"{index}/2").expect(65)
    trial.population.recover()
    before = {int(n) for (n,) in reading(trial.stores[1]).query("SELECT ordinal FROM failures WHERE shard = 1")}
    trial.server.asked.clear()
    summary = trial.retry("--shard", "0/2").expect(0).summary
    assert summary["failed"] == 0 and sum(trial.server.asked.values()) == len(FAILING) - len(before)
    assert {int(n) for (n,) in reading(trial.stores[1]).query("SELECT ordinal FROM failures")} == before
    trial.retry("--shard", "1/2").expect(0)
    for index in (0, 1):
        trial.sluice.run(trial.reference, *DAY, "--shard", f"{index}/2").expect(0)
    for place, other in zip(trial.stores, trial.others, strict=True):
        same_rows(place, other)


@pytest.mark.parametrize("kinds", ["sqlite append", "ndjson replace"])
def test_a_limited_run(trial):
    """`--limit` as the run had it; what such a run holds is published by no retry."""
    trial.population.fail()
    trial.run(*DAY, "--limit", 200).expect(65)
    trial.population.recover()
    published = trial.stores[0].published() if trial.stores[0].mode == "replace" else None
    result = trial.retry("--limit", "200")
    assert result.code == (65 if published is not None else 0), result.err
    assert result.summary["records"] == 200 and result.summary["failed"] == 0
    if published is not None:
        assert trial.stores[0].published() == published == {}


@pytest.mark.parametrize("kinds", ["sqlite merge + postgres append"])
@pytest.mark.parametrize("how", ["lost", "restored from a backup", "another pipeline's"])
def test_a_store_that_is_not_the_one(trial, how):
    """Nothing is amended before the sinks agree about the last run."""
    trial.begin(reference=False)
    place = trial.stores[0]
    if how == "lost":
        place.database.unlink()
    elif how == "restored from a backup":
        place.keep()
        trial.run(*NEXT).expect(0)
        place.restore()
    else:
        trial.pipeline.document["pipeline"] = "somebody-elses"
        trial.pipeline.write()
    held = trial.now()
    trial.server.asked.clear()
    result = trial.retry()
    assert result.code in (64, 65, 78) and result.message, (result.code, result.err)
    # In place of a lost store there may be an empty one.
    assert trial.now()[1 if how == "lost" else 0 :] == held[1 if how == "lost" else 0 :] and not trial.server.asked


@pytest.mark.parametrize("kinds", ["postgres merge"])
def test_rows_that_the_database_refused(trial):
    """A record that a constraint of the user's kept out is a failure of that sink; once it is dropped, it comes in."""
    trial.run(*EVE).expect(0)
    store = trial.stores[0].store
    store.psql(
        "ALTER TABLE endpoints ADD CONSTRAINT nobody CHECK (user_id <> 'user-001' OR run_id < 'under-test-20260102')"
    )
    trial.run(*DAY).expect(65)
    assert [row[0] for row in store.failures("user_id")] == ["user-001"]
    trial.retry().expect(65)
    assert [row[0] for row in store.failures("user_id")] == ["user-001"]
    store.psql("ALTER TABLE endpoints DROP CONSTRAINT nobody")
    trial.retry().expect(0)
    trial.sluice.run(trial.reference, *EVE).expect(0)
    trial.sluice.run(trial.reference, *DAY).expect(0)
    same_rows(trial.stores[0], trial.others[0])

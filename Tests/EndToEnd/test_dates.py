"""Which run `sluice run` does: what stands in the store, the date that is asked for, the input as it is now, and what
may be done about a changed one, each with each, in every mode; the sinks' own history says what has happened."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from support.ndjson import Folder
from support.postgres import utc_text
from support.scripted_server import endpoints, error
from support.stores import moment, places, reading, run_states, same_rows, sinks, tables

FIRST, OTHER = "2026-01-01", "2026-02-02"
USERS = [f"user-{number:02d}" for number in range(40)]
BATCH = 10
#: What an unfinished run has committed.
COMMITTED = 30
INPUTS = {
    "same": USERS,
    "changed": ["somebody-else", *USERS[1:]],
    "longer": [*USERS, *(f"late-{number}" for number in range(5))],
}
MODES = ["append", "merge", "replace"]
#: Once all of them, otherwise the two that need no server.
KINDS = {
    "append": "sqlite append + ndjson append",
    "merge": "sqlite merge + ndjson append",
    "replace": "sqlite replace + ndjson replace",
}


def run_id(date):
    return f"under-test-{date.replace('-', '')}T000000Z"


class Scene:
    """A pipeline over some places, its input, and the state that a case begins with."""

    def __init__(self, sluice, server, folder, stores, policy="refuse", **settings):
        self.sluice, self.server, self.stores = sluice, server, stores
        self.list = folder / "users.txt"
        self.stopping = False
        server.answer = self.answer
        self.pipeline = sluice.pipeline(
            "dated", server.url, self.list, batch_size=BATCH, sinks=sinks(stores), on_changed_input=policy,
            limits={"max_absent": 0, "max_removed": "100%"}, **settings,
        )  # fmt: skip

    def answer(self, request):
        # Somebody too many who isn't known stops a run, at the same place in every sink.
        if self.stopping and request.user == USERS[COMMITTED + 3]:
            return error(404, "NotFoundException", "User not found")
        return endpoints(request.user)

    def run(self, *arguments):
        self.server.asked.clear()
        return self.sluice.run(self.pipeline, *arguments)

    def write(self, users):
        self.list.write_text("".join(f"{user}\n" for user in users))

    def begin(self, before):
        """Leaves the state, for `restore`."""
        self.write(USERS)
        if before == "none":
            return
        if before == "unfinished":
            self.stopping = True
        self.run("--logical-date", FIRST).expect(76 if self.stopping else 0)
        self.stopping = False
        for place in self.stores:
            place.keep()

    def restore(self, before):
        for place in self.stores:
            place.clear() if before == "none" else place.restore()

    def states(self):
        """{run: state}, which all stores agree about."""
        states = [run_states(place) for place in self.stores if place.sink["type"] != "ndjson"]
        assert all(one == states[0] for one in states), states
        return states[0]

    def users(self):
        """{run: users in input order} as all places have them, an NDJSON folder by its published runs."""
        result = []
        for place in self.stores:
            if place.sink["type"] == "ndjson":
                published = Folder(place.folder).runs
                result.append({name: [row[1] for row in run.rows("users", True)] for name, run in published.items()})
            else:
                found = {}
                for run, user in reading(place).query("SELECT run_id, user_id FROM users ORDER BY run_id, ordinal"):
                    found.setdefault(run, []).append(user)
                result.append(found)
        return result


def expected(before, date, given, policy):
    """(exit code, the runs that are done: (date or None for one that follows the clock, resumed from), state of the run
    that was there), or None where it can't be: the contract of runs and dates as a table."""
    if before == "none":
        return 0, [(date, None)], None
    if before == "complete":
        if date == FIRST:
            return 0, [], "complete"
        return 0, [(date, None)], "complete"
    if given == "changed":
        if policy == "refuse":
            return 66, [], "running"
        return 0, [(date, None)], "complete" if date == FIRST else "abandoned"
    if date == OTHER:
        return 0, [(FIRST, COMMITTED), (OTHER, None)], "complete"
    return 0, [(FIRST, COMMITTED)], "complete"


def check(scene, before, date, given, policy):
    """One case from the state as it is; what is wrong about it, in words."""
    held = [moment(place) for place in scene.stores]
    scene.write(INPUTS[given])
    result = scene.run(*(["--logical-date", date] if date else []))
    code, runs, state = expected(before, date, given, policy)
    assert result.code == code, f"exit {result.code}, not {code}: {result.err}"
    done = [summary for summary in result.summaries if summary["records"] and code == 0]
    if not runs:
        assert not scene.server.asked, "nobody is asked"
        assert [moment(place) for place in scene.stores] == held, "nothing changes"
        if code == 0:
            assert [(one["run_id"], one["state"]) for one in done] in ([], [(run_id(FIRST), "complete")])
        else:
            assert "on_changed_input" in result.message and "--fresh" in result.message
        assert scene.states() == {run_id(FIRST): state}
        return
    assert [one["resumed_from"] for one in done] == [at for _, at in runs], result.out
    names = [one["run_id"] for one in done]
    for name, (when, _) in zip(names, runs, strict=True):
        assert name == run_id(when) if when else name not in (run_id(FIRST), run_id(OTHER)), names
    assert all(one["state"] == "complete" and one["records"] == len(INPUTS[given]) for one in done), result.out
    want = {name: "complete" for name in names}
    if state:
        want.setdefault(run_id(FIRST), state)
    assert scene.states() == want

    # Who was asked for: what isn't committed yet, and everybody for a run of its own.
    asked = {}
    for _, at in runs:
        for user in INPUTS[given][at or 0 :]:
            asked[user] = asked.get(user, 0) + 1
    assert dict(scene.server.asked) == asked

    # And what stands there: whole runs, of those that this mode keeps.
    content = {name: INPUTS[given] for name in names}
    if before == "complete":
        content = {run_id(FIRST): USERS, **content}
    for place, found in zip(scene.stores, scene.users(), strict=True):
        assert found == kept(place, content, before, state), f"{place.sink['type']} {place.mode}: {list(found)}"


def kept(place, content, before, state):
    """What of these runs, from the oldest to the newest, a place holds; its users by run."""
    newest = list(content)[-1]
    if place.mode == "append":
        # Files of a run that was given up are gone; rows that were committed stay, and its state tells them apart.
        rows = {run_id(FIRST): USERS[:COMMITTED]} if state == "abandoned" and place.sink["type"] != "ndjson" else {}
        return {**rows, **content}
    if place.mode == "replace" and place.sink["type"] != "ndjson":
        return {newest: content[newest]}
    if place.mode == "replace":
        return dict(list(content.items())[-2:])
    # merge: each user as the run has left it that fetched the user last, one that was given up among them.
    last = {}
    if state == "abandoned":
        last.update({user: run_id(FIRST) for user in USERS[:COMMITTED]})
    elif before == "unfinished" and newest == run_id(FIRST) and "somebody-else" in content[newest]:
        last.update({USERS[0]: run_id(FIRST)})
    for name, users in content.items():
        last.update({user: name for user in users})
    result = {}
    for name in dict.fromkeys(last.values()):
        result[name] = [user for user in [*USERS, *INPUTS["longer"][40:], "somebody-else"] if last.get(user) == name]
        if "somebody-else" in result[name]:
            result[name] = ["somebody-else", *result[name][:-1]]
            # What an earlier try of the same run has left stands in front of it.
            result[name].sort(key=lambda user: user != USERS[0])
    return result


@pytest.mark.parametrize("policy", ["refuse", "restart"])
@pytest.mark.parametrize("before", ["none", "unfinished", "complete"])
@pytest.mark.parametrize("mode", MODES)
def test_every_case(sluice, scripted, tmp_path, postgres, mode, before, policy):
    scene = Scene(sluice, scripted(None), tmp_path, places(KINDS[mode], tmp_path, postgres), policy)
    scene.begin(before)
    wrong = []
    for date in (FIRST, OTHER, None):
        for given in INPUTS:
            scene.restore(before)
            try:
                check(scene, before, date, given, policy)
            except AssertionError as error:
                name = {FIRST: "the same date", OTHER: "another date", None: "no date"}[date]
                wrong.append(f"{name}, {given} input: {error}")
    assert not wrong, f"{len(wrong)} of 9 cases:\n\n" + "\n\n".join(wrong)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_every_case_in_postgres(sluice, scripted, tmp_path, postgres, mode):
    """Of the same table what changes most."""
    before = "unfinished"
    scene = Scene(sluice, scripted(None), tmp_path, places(f"postgres {mode}", tmp_path, postgres), "restart")
    scene.begin(before)
    for date, given in [(FIRST, "changed"), (OTHER, "longer"), (None, "same")]:
        scene.restore(before)
        check(scene, before, date, given, "restart")


# What the history says -----------------------------------------------------------------------------------------------

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ")
EVERYWHERE = "sqlite append + postgres append + ndjson append"


def test_the_history_of_runs(sluice, scripted, tmp_path, postgres):
    """A row for each run, in each database: when it was, how it ended, what it counted, and by which version."""
    scene = Scene(sluice, scripted(None), tmp_path, places(EVERYWHERE, tmp_path, postgres))
    scene.begin("unfinished")
    version = sluice("--version").expect(0).out.strip()
    starts = []
    for place in scene.stores[:2]:
        state, started, finished, _, by, pipeline, shard = history(place)[run_id(FIRST)]
        assert (state, finished, pipeline, str(shard)) == ("running", None, "under-test", "0")
        assert TIME.fullmatch(started) and by and by in version
        starts.append(started)
    scene.run("--logical-date", OTHER).expect(0)
    for place, started in zip(scene.stores, starts, strict=False):
        runs = history(place)
        assert list(runs) == [run_id(FIRST), run_id(OTHER)]
        for state, began, finished, said, *_ in runs.values():
            assert state == "complete" and TIME.fullmatch(finished) and finished >= began
            counts = json.loads(said)
            assert (counts["found"], counts["absent"], counts["failed"]) == (40, 0, 0)
        assert runs[run_id(FIRST)][1] == started, "the first start, not the last one"
    assert sorted(Folder(scene.stores[2].folder).runs) == [run_id(FIRST), run_id(OTHER)]


def history(place):
    """{run: (state, started_at, finished_at, counts, version, pipeline, shard)}, by date."""
    columns = ["started_at", "finished_at"]
    if place.sink["type"] == "postgres":
        columns = [utc_text(name) for name in columns]
    found = reading(place).query(
        f"SELECT run_id, state, {', '.join(columns)}, counts, version, pipeline, shard "
        "FROM sluice_runs ORDER BY logical_date"
    )
    return {row[0]: tuple(row[1:]) for row in found}


@pytest.mark.parametrize("kinds", ["sqlite replace + ndjson replace", "postgres replace", EVERYWHERE])
def test_what_becomes_of_a_run_that_is_given_up(sluice, scripted, tmp_path, postgres, kinds):
    """What it never published is gone, files and tables aside included, and it stays in the history as given up."""
    scene = Scene(sluice, scripted(None), tmp_path, places(kinds, tmp_path, postgres))
    scene.write(USERS)
    scene.run("--logical-date", "2025-12-31").expect(0)
    before = [place.published() for place in scene.stores if place.mode == "replace"]
    scene.stopping = True
    scene.run("--logical-date", FIRST).expect(76)
    assert [place.published() for place in scene.stores if place.mode == "replace"] == before
    scene.stopping = False
    summary = scene.run("--logical-date", OTHER, "--fresh").expect(0).summary
    assert (summary["run_id"], summary["resumed_from"]) == (run_id(OTHER), None)
    for place in scene.stores:
        if place.sink["type"] == "ndjson":
            assert run_id(FIRST) not in Folder(place.folder).runs and not Folder(place.folder).unfinished
            left = [path for path in (place.folder / ".sluice").rglob("*") if path.suffix not in (".json", "")]
            assert not left, left
            assert not list((place.folder / ".sluice").rglob("*.gz"))
            continue
        assert run_states(place) == {
            run_id("2025-12-31"): "complete", run_id(FIRST): "abandoned", run_id(OTHER): "complete"
        }  # fmt: skip
        aside = [name for name in tables(place) if "next" in name]
        assert all(int(reading(place).count(name)) == 0 for name in aside), aside
        place.content()
    # The date that was given up is free.
    scene.run("--logical-date", FIRST).expect(0)
    assert scene.states()[run_id(FIRST)] == "complete"


@pytest.mark.parametrize("mode", MODES)
def test_a_complete_date_done_again(sluice, scripted, tmp_path, postgres, mode):
    """`--fresh` with the date of a complete run: its rows are taken back and done again, in every sink alike."""
    (tmp_path / "held").mkdir(), (tmp_path / "others").mkdir()
    kinds = {**KINDS, "append": EVERYWHERE}[mode]
    server = scripted(None)
    scene = Scene(sluice, server, tmp_path / "held", places(kinds, tmp_path / "held", postgres))
    scene.write(USERS)
    scene.run("--logical-date", FIRST).expect(0)
    scene.write(INPUTS["longer"][5:])
    scene.run("--logical-date", FIRST, "--fresh").expect(0)
    other = Scene(sluice, server, tmp_path / "others", places(kinds, tmp_path / "others", postgres))
    if mode == "merge":
        # Users whom nobody asks for any more keep what they had.
        other.write(USERS)
        other.run("--logical-date", FIRST).expect(0)
        other.write(INPUTS["longer"][5:])
        other.run("--logical-date", FIRST, "--fresh").expect(0)
    else:
        other.write(INPUTS["longer"][5:])
        other.run("--logical-date", FIRST).expect(0)
    for place, wanted in zip(scene.stores, other.stores, strict=True):
        same_rows(place, wanted)
    assert scene.states() == {run_id(FIRST): "complete"}


@pytest.mark.parametrize("kinds", ["sqlite merge", "postgres merge"])
def test_what_is_done_again_counts_as_an_earlier_run(sluice, scripted, tmp_path, postgres, kinds):
    """Its own earlier rows were there before: nothing of this run gave way to anything."""
    scene = Scene(sluice, scripted(None), tmp_path, places(kinds, tmp_path, postgres))
    scene.write(USERS)
    first = scene.run("--logical-date", FIRST).expect(0).summary
    again = scene.run("--logical-date", FIRST, "--fresh").expect(0).summary
    assert (again["endpoints"], again["superseded"], again["removed"]) == (first["endpoints"], first["superseded"], 0)


def another_layout(document):
    document["flatten"] = {"layout": "document"}


def other_columns(document):
    document["flatten"]["columns"] = [{"name": "level", "from": "Metrics.level", "as": "number"}]


def another_application(document):
    document["source"]["application_id"] = "f" * 32


def another_mode(mode):
    def mend(document):
        for sink in document["sinks"]:
            sink["mode"] = mode

    return mend


@pytest.mark.parametrize(
    ("kinds", "mend"),
    [
        *((kinds, mend) for kinds in ("sqlite merge + ndjson append", "postgres merge")
          for mend in (another_layout, other_columns, another_application)),
        ("sqlite merge + ndjson append", another_mode("append")),
        ("sqlite append + ndjson append", another_mode("replace")),
        ("sqlite replace + ndjson replace", another_mode("append")),
        ("postgres append", another_mode("merge")),
        ("postgres replace", another_mode("append")),
        ("postgres merge", another_mode("replace")),
    ],
)  # fmt: skip
def test_a_first_try_that_has_committed_nothing(sluice, scripted, tmp_path, postgres, kinds, mend):
    """It doesn't block the configuration that was mended."""
    # The first configuration takes a column in another type, too.
    flatten = {"layout": "normalized", "columns": [{"name": "level", "from": "Metrics.level", "as": "json"}]}
    scene = Scene(sluice, scripted(None), tmp_path, places(kinds, tmp_path, postgres), flatten=flatten)
    scene.write(USERS)
    answer, scene.server.answer = scene.server.answer, lambda request: error(403, "ForbiddenException", "Forbidden")
    scene.run("--logical-date", FIRST).expect(77)
    scene.server.answer = answer
    mend(scene.pipeline.document)
    scene.pipeline.write()
    result = scene.run("--logical-date", FIRST).expect(0)
    assert result.summary["records"] == len(USERS) and result.summary["resumed_from"] is None
    assert scene.states() == {run_id(FIRST): "complete"}


@pytest.mark.parametrize("change", [
    "CREATE INDEX mine ON endpoints (address)",
    "CREATE TRIGGER mine AFTER INSERT ON users BEGIN SELECT 1; END",
    "CREATE TABLE more AS SELECT 1; ALTER TABLE endpoints ADD COLUMN mine TEXT DEFAULT 'x'",
    "DROP VIEW user_attributes; CREATE VIEW user_attributes (application_id, user_id, name, position, value) AS "
    "SELECT 1, 2, 3, 4, 5",
    "DROP TABLE failures; CREATE TABLE failures (ticket TEXT PRIMARY KEY, owner TEXT)",
    "INSERT INTO users (application_id, user_id) VALUES ('a', 'u')",
])  # fmt: skip
def test_what_is_no_longer_as_a_first_try_left_it(sluice, scripted, tmp_path, postgres, change):
    """Whatever somebody has added to it is theirs: it stays, and the configuration that doesn't fit is refused."""
    scene, (place,) = first_try(sluice, scripted, tmp_path, postgres, "sqlite merge")
    with closing(sqlite3.connect(place.database)) as database:
        database.executescript(change)
        before = sorted(database.execute("SELECT type, name, sql FROM sqlite_schema"))
    scene.run("--logical-date", FIRST).expect(78)
    with closing(sqlite3.connect(place.database)) as database:
        assert sorted(database.execute("SELECT type, name, sql FROM sqlite_schema")) == before


@pytest.mark.parametrize("change", [
    "CREATE INDEX mine ON endpoints (address)",
    "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION mine()",
    "ALTER TABLE users ADD CONSTRAINT mine CHECK (user_id <> '')",
    "ALTER TABLE users ADD COLUMN mine text DEFAULT 'x'",
    "GRANT SELECT ON users TO PUBLIC",
    "COMMENT ON TABLE endpoints IS 'mine'",
    "CREATE VIEW mine AS SELECT * FROM users",
    "CREATE RULE mine AS ON DELETE TO users DO ALSO NOTHING",
    "CREATE TABLE mine () INHERITS (users)",
    "DROP VIEW user_attributes; CREATE VIEW user_attributes AS "
    "SELECT application_id, user_id, user_id AS name, ordinal AS position, user_id AS value FROM users",
    "DROP TABLE failures; CREATE TABLE failures (ticket text COLLATE \"C\" PRIMARY KEY, owner text)",
    "INSERT INTO users (application_id, user_id) VALUES ('a', 'u')",
])  # fmt: skip
def test_what_is_no_longer_as_a_first_try_left_it_in_postgres(sluice, scripted, tmp_path, postgres, change):
    scene, (place,) = first_try(sluice, scripted, tmp_path, postgres, "postgres merge")
    place.store.psql(change)
    listing = "SELECT string_agg(oid || relname || relkind::text, ',' ORDER BY oid) FROM pg_class"
    before = place.store.psql(listing)
    scene.run("--logical-date", FIRST).expect(78)
    assert place.store.psql(listing) == before


def test_what_somebody_writes_into_what_a_first_try_left(sluice, scripted, tmp_path, postgres):
    """Nobody waits for a transaction of somebody's, to drop the table once its rows are there."""
    scene, (place,) = first_try(sluice, scripted, tmp_path, postgres, "postgres merge")
    with place.store.database.session() as session:
        session.ask(
            f"SET search_path TO {place.store.schema}", "BEGIN",
            "INSERT INTO users (application_id, user_id) VALUES ('a', 'u')",
        )  # fmt: skip
        scene.run("--logical-date", FIRST).expect(78)
        session.ask("COMMIT")
    assert place.store.count("users") == 1
    scene.run("--logical-date", FIRST).expect(78)
    assert place.store.count("users") == 1


def first_try(sluice, scripted, tmp_path, postgres, kinds):
    """One that has committed nothing; its pipeline has another mode by now."""
    scene = Scene(sluice, scripted(None), tmp_path, places(kinds, tmp_path, postgres))
    scene.write(USERS)
    answer, scene.server.answer = scene.server.answer, lambda request: error(403, "ForbiddenException", "Forbidden")
    scene.run("--logical-date", FIRST).expect(77)
    scene.server.answer = answer
    another_mode("append")(scene.pipeline.document)
    scene.pipeline.write()
    return scene, scene.stores


def test_ending_as_its_run_did(sluice, scripted, tmp_path, postgres):
    """A date that is done exits with the code of its run, as often as it is asked for."""
    scene = Scene(sluice, scripted(None), tmp_path, places("sqlite merge + ndjson append", tmp_path, postgres))
    scene.write([*USERS, "."])
    assert scene.run("--logical-date", FIRST).expect(65).summary["failed"] == 1
    held = [moment(place) for place in scene.stores]
    for _ in range(2):
        result = scene.run("--logical-date", FIRST).expect(65)
        assert (result.summary["state"], result.summary["failed"]) == ("complete", 1)
        assert not scene.server.asked and [moment(place) for place in scene.stores] == held
    # A run that comes after it doesn't mind.
    scene.write(USERS)
    scene.run("--logical-date", OTHER).expect(0)
    scene.run("--logical-date", FIRST).expect(65)


def test_another_date_waits_for_a_run_that_ends_badly(sluice, scripted, tmp_path, postgres):
    """It is finished first; if that doesn't end with 0, the date that was asked for isn't begun."""
    scene = Scene(sluice, scripted(None), tmp_path, places("sqlite append + ndjson append", tmp_path, postgres))
    scene.begin("unfinished")
    scene.write([*USERS, "."])
    result = scene.run("--logical-date", OTHER).expect(65)
    assert [one["run_id"] for one in result.summaries] == [run_id(FIRST)]
    assert scene.states() == {run_id(FIRST): "complete"}
    # The next call finds it complete, and does what it is asked for.
    scene.write(USERS)
    result = scene.run("--logical-date", OTHER).expect(0)
    assert [one["run_id"] for one in result.summaries] == [run_id(OTHER)]


@pytest.mark.parametrize(
    "given, run",
    [
        ("2026-01-02", "20260102T000000Z"), ("2026-01-02T03:04:05Z", "20260102T030405Z"),
        ("2026-01-02T03:04:05.000Z", "20260102T030405Z"), ("2026-01-02T03:04:05+02:00", "20260102T010405Z"),
        ("2024-02-29", "20240229T000000Z"), ("20260102", "20260102T000000Z"),
    ],
)  # fmt: skip
def test_how_a_date_is_written(sluice, scripted, tmp_path, postgres, given, run):
    scene = Scene(sluice, scripted(None), tmp_path, places("sqlite merge", tmp_path, postgres))
    scene.write(USERS[:3])
    assert scene.run("--logical-date", given).expect(0).summary["run_id"] == f"under-test-{run}"


@pytest.mark.parametrize(
    "given", ["", "tomorrow", "2026-13-01", "2026-02-30", "2026-01-02T25:00:00Z", "2026-01-02 03:04:05", "-1"]
)
def test_no_date(sluice, scripted, tmp_path, postgres, given):
    scene = Scene(sluice, scripted(None), tmp_path, places("sqlite merge", tmp_path, postgres))
    scene.write(USERS[:3])
    result = scene.run(f"--logical-date={given}")
    assert result.code == 64 and not scene.server.asked, (result.code, result.err)


def test_many_runs_within_a_second(sluice, scripted, tmp_path, postgres):
    """A date that nobody gave moves on to the next free second."""
    scene = Scene(sluice, scripted(None), tmp_path, places("sqlite append + ndjson append", tmp_path, postgres))
    scene.write(USERS[:2])
    names = [scene.run().expect(0).summary["run_id"] for _ in range(5)]
    assert names == sorted(set(names)) and len(scene.states()) == 5

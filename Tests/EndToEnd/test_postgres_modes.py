"""Postgres: what merge, append and replace leave behind, who may write where, and what readers see meanwhile."""

import itertools
import json
import threading
import time

import pytest
from support.content import same_content
from support.postgres import LAYOUT, fingerprint_query
from support.scripted_server import Answer, error
from support.sluice import APPLICATION, LOGICAL_DATE

DATES = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]
RUNS = ["under-test-20260101T000000Z", "under-test-20260102T000000Z", "under-test-20260103T000000Z"]
ANYTHING = {"max_removed": "100%", "max_absent": "100%", "max_failed": "100%"}


def found(*items):
    """An answer with endpoints: each an ID, or an ID with members on top."""
    documents = []
    for item in items:
        identity, members = item if isinstance(item, tuple) else (item, {})
        plain = {"Attributes": {"of": [identity]}, "Metrics": {"m": 1}, "User": {"UserAttributes": {"u": ["x"]}}}
        documents.append({"Id": identity, **plain, **members})
    return Answer(body=json.dumps({"Item": documents}).encode())


ABSENT = error(404, "NotFoundException", "No such user")
FAILING = error(400, "BadRequestException", "Bad request")


class World:
    """A server with a script of answers, and a pipeline of its users into one database."""

    def __init__(self, sluice, postgres, scripted, tmp_path):
        self.sluice, self.database, self.path = sluice, postgres(), tmp_path / "users.txt"
        self.answers = {}
        self.server = scripted(lambda request: self.answers[request.user])
        self.store = self.database.store()

    def pipeline(self, mode="merge", name="world", database=None, sink=None, **settings):
        settings.setdefault("limits", ANYTHING)
        settings.setdefault("batch_size", 2)
        settings.setdefault("retry", {"max_attempts": 2})
        sinks = [(database or self.database).sink(mode, **(sink or {}))]
        return self.sluice.pipeline(name, self.server.url, self.path, sinks=sinks, **settings)

    def answer(self, **answers):
        self.answers = dict(answers)
        self.path.write_text("".join(f"{user}\n" for user in answers))

    def run(self, date, mode="merge", code=0, arguments=(), **options):
        pipeline = self.pipeline(mode, **options)
        return self.sluice.run(pipeline, "--logical-date", date, *arguments).expect(code)

    def endpoints(self, *columns, where="true"):
        text = ", ".join(columns or ("user_id", "endpoint_id"))
        return self.store.query(f"SELECT {text} FROM endpoints WHERE {where} ORDER BY 1, 2")

    def parts(self):
        """The endpoints that each table of parts speaks of."""
        return [
            sorted({row[0] for row in self.store.query(f"SELECT endpoint_id FROM {table}")}) for table in LAYOUT[2:]
        ]


@pytest.fixture
def world(sluice, postgres, scripted, tmp_path):
    return World(sluice, postgres, scripted, tmp_path)


# merge ---------------------------------------------------------------------------------------------------------------


def test_merge_over_an_earlier_run(world):
    """Endpoints that shrink, vanish with their user or move to another one; a failed user's rows stay."""
    world.answer(
        shrinks=found("s-1", "s-2", "s-3"), vanishes=found("v-1", "v-2"), gives=found("moves", "g-1"),
        takes=found("t-1"), fails=found("f-1", "f-2"), stays=found("st-1"), empties=found("e-1"), unasked=found("n-1"),
    )  # fmt: skip
    world.run(DATES[0])
    world.answer(
        shrinks=found("s-2"), vanishes=ABSENT, takes=found("t-1", "moves"), gives=found("g-1"), fails=FAILING,
        stays=found("st-1", "st-2"), empties=found(),
    )  # fmt: skip
    summary = world.run(DATES[1], code=65).summary
    assert (summary["found"], summary["absent"], summary["failed"]) == (5, 1, 1)
    assert world.endpoints("user_id", "endpoint_id", "run_id") == [
        ("fails", "f-1", RUNS[0]), ("fails", "f-2", RUNS[0]), ("gives", "g-1", RUNS[1]), ("shrinks", "s-2", RUNS[1]),
        ("stays", "st-1", RUNS[1]), ("stays", "st-2", RUNS[1]), ("takes", "moves", RUNS[1]), ("takes", "t-1", RUNS[1]),
        ("unasked", "n-1", RUNS[0]),
    ]  # fmt: skip
    here = sorted(row[1] for row in world.endpoints())
    assert world.parts() == [here, here, here]
    assert world.store.query("SELECT user_id, status, endpoint_count, run_id FROM users ORDER BY 1") == [
        ("empties", "found", "0", RUNS[1]), ("fails", "found", "2", RUNS[0]), ("gives", "found", "1", RUNS[1]),
        ("shrinks", "found", "1", RUNS[1]), ("stays", "found", "2", RUNS[1]), ("takes", "found", "2", RUNS[1]),
        ("unasked", "found", "1", RUNS[0]), ("vanishes", "absent", "0", RUNS[1]),
    ]  # fmt: skip
    assert world.store.query("SELECT DISTINCT user_id FROM endpoint_user_attributes WHERE endpoint_id = 'moves'") == [
        ("takes",)
    ]
    assert world.store.failures("user_id", "code", "run_id") == [("fails", "BadRequestException", RUNS[1])]
    # s-1, s-3, v-1, v-2, e-1; "moves" isn't gone.
    assert summary["removed"] == 5
    assert summary["sinks"][0]["refused"] == 0


def test_one_run_that_brings_a_key_twice(world):
    """In another batch and in the same one: the later one wins, with all that belongs to it."""
    world.answer(
        a=found("shared", "a-1"), b=found("b-1"), d=found("within", "d-1"), e=found("within"),
        c=found(("shared", {"Attributes": {"later": ["1", "2"]}, "Metrics": {}}), "c-1"), f=found("f-1"),
    )  # fmt: skip
    for mode in ("merge", "append", "replace"):
        world.database.psql("DROP SCHEMA IF EXISTS pinpoint CASCADE")
        summary = world.run(DATES[0], mode).summary
        assert world.endpoints() == [
            ("a", "a-1"), ("b", "b-1"), ("c", "c-1"), ("c", "shared"), ("d", "d-1"), ("e", "within"), ("f", "f-1")
        ], mode  # fmt: skip
        assert summary["superseded"] == 2 and summary["removed"] == 0, mode
        attributes = "SELECT name, position, value FROM endpoint_attributes WHERE endpoint_id = 'shared' ORDER BY 1, 2"
        assert world.store.query(attributes) == [("later", "0", "1"), ("later", "1", "2")], mode
        assert world.store.count("endpoint_metrics", "endpoint_id = 'shared'") == 0, mode


def test_the_brake_on_removals(world):
    users = {f"user-{number:04d}": found(*(f"{number}-{place}" for place in range(3))) for number in range(1200)}
    limits = {"max_removed": "20%"}
    world.answer(**users)
    world.run(DATES[0], limits=limits, batch_size=200)
    before = world.store.fingerprint()
    world.answer(**{user: found(f"{int(user[5:])}-0") for user in users})
    result = world.run(DATES[1], code=76, limits=limits, batch_size=200)
    assert "max_removed" in result.message
    committed = world.store.count("users", f"run_id = '{RUNS[1]}'")
    assert committed % 200 == 0 and committed < 1200
    assert world.store.count("endpoints") == 3600 - 2 * committed
    assert committed > 0 or world.store.fingerprint() == before
    world.run(DATES[1], limits=limits, batch_size=200, arguments=["--accept", "removed"])
    assert world.store.count("endpoints") == 1200


# append --------------------------------------------------------------------------------------------------------------


def test_append_keeps_runs_side_by_side(world):
    world.answer(a=found("a-1", "a-2"), b=found("moves"), c=FAILING, d=found("d-1"))
    first = world.run(DATES[0], "append", code=65).summary
    world.answer(a=found("a-1"), b=ABSENT, c=found("moves"))
    second = world.run(DATES[1], "append").summary
    assert (first["removed"], second["removed"], second["superseded"]) == (0, 0, 0)
    assert world.endpoints("run_id", "endpoint_id", "user_id") == [
        (RUNS[0], "a-1", "a"), (RUNS[0], "a-2", "a"), (RUNS[0], "d-1", "d"), (RUNS[0], "moves", "b"),
        (RUNS[1], "a-1", "a"), (RUNS[1], "moves", "c"),
    ]  # fmt: skip
    for table in LAYOUT[2:]:
        rows = world.store.query(f"SELECT run_id, endpoint_id FROM {table} ORDER BY 1, 2")
        assert rows == [row[:2] for row in world.endpoints("run_id", "endpoint_id")], table
    assert world.store.query("SELECT run_id, user_id, status FROM users ORDER BY 1, 2") == [
        (RUNS[0], "a", "found"), (RUNS[0], "b", "found"), (RUNS[0], "d", "found"),
        (RUNS[1], "a", "found"), (RUNS[1], "b", "absent"), (RUNS[1], "c", "found"),
    ]  # fmt: skip
    assert world.store.failures("run_id", "user_id") == [(RUNS[0], "c")]


@pytest.mark.parametrize("mode", ["append", "replace", "merge"])
def test_a_run_done_again(world, mode):
    """`--fresh` over a complete run: in place of its rows, and of nobody else's."""
    world.answer(a=found("a-0"), b=FAILING)
    accepting = ANYTHING | {"accept_failed": 1}
    world.run(DATES[0], mode, limits=accepting)
    world.answer(a=found("a-1", "a-2"), b=FAILING, c=found("c-1"))
    world.run(DATES[1], mode, limits=accepting)
    world.answer(a=found("a-1"), b=found("b-1"))
    world.run(DATES[1], mode, arguments=["--fresh"])
    content = {
        "append": [(RUNS[0], "a-0"), (RUNS[1], "a-1"), (RUNS[1], "b-1")],
        "replace": [(RUNS[1], "a-1"), (RUNS[1], "b-1")],
        "merge": [(RUNS[1], "a-1"), (RUNS[1], "b-1"), (RUNS[1], "c-1")],
    }[mode]
    assert world.endpoints("run_id", "endpoint_id") == content
    failures = [] if mode == "replace" else [(RUNS[0], "b")]
    assert world.store.failures("run_id", "user_id") == failures
    assert world.store.query("SELECT run_id, state FROM sluice_runs ORDER BY 1") == [
        (RUNS[0], "complete"), (RUNS[1], "complete")
    ]  # fmt: skip


# replace -------------------------------------------------------------------------------------------------------------


def test_replace_is_exactly_the_last_run(world):
    world.answer(a=found("a-1", "a-2"), b=found("b-1"), c=FAILING)
    first = world.run(DATES[0], "replace", limits=ANYTHING | {"accept_failed": 1}).summary
    assert (first["removed"], first["state"]) == (0, "complete")
    assert world.store.failures("run_id", "user_id") == [(RUNS[0], "c")]
    world.answer(a=found("a-2", "a-3"), c=found("c-1"))
    second = world.run(DATES[1], "replace").summary
    assert world.endpoints() == [("a", "a-2"), ("a", "a-3"), ("c", "c-1")]
    assert world.parts() == [["a-2", "a-3", "c-1"]] * 3
    assert world.store.query("SELECT user_id FROM users ORDER BY 1") == [("a",), ("c",)]
    assert world.store.failures("run_id") == []
    assert second["removed"] == 2, "a-1 and b-1"
    # What it was filled in meanwhile holds nothing any more.
    shadows = [name for name in world.store.tables() if name.startswith("sluice_next")]
    assert sum(world.store.count(name) for name in shadows) == 0


def test_replace_writes_what_differs(world):
    """Rows that are the same stay where they are, with what the server put there; values of a unique index change places."""
    address = [("Address", "one@example.com"), ("Address", "two@example.com")]
    world.answer(a=found("same", ("one", dict(address[:1])), ("two", dict(address[1:]))), b=found("goes"))
    world.run(DATES[0], "replace")
    world.store.psql(
        "CREATE UNIQUE INDEX ON endpoints (address)", "ALTER TABLE endpoints ADD COLUMN note text DEFAULT 'new'",
        "UPDATE endpoints SET note = endpoint_id",
    )  # fmt: skip
    places = f"SELECT endpoint_id, '{{0}}', name, ctid, xmin FROM {{0}}"
    parts = " UNION ALL ".join(places.format(table) for table in LAYOUT[2:])
    before = set(world.store.query(parts))
    changed = {"Address": "one@example.com", "Metrics": {"m": -0.0, "n": 2}}
    world.answer(a=found("same", ("one", dict(address[1:])), ("two", changed)), c=found("comes"))
    world.run(DATES[1], "replace")
    assert world.endpoints("endpoint_id", "address", "note", "run_id") == [
        ("comes", None, "new", RUNS[1]), ("one", "two@example.com", "new", RUNS[1]), ("same", None, "same", RUNS[1]),
        ("two", "one@example.com", "new", RUNS[1]),
    ]  # fmt: skip
    after = set(world.store.query(parts))
    assert {row[:3] for row in before - after} == {
        ("goes", "endpoint_attributes", "of"), ("goes", "endpoint_metrics", "m"),
        ("goes", "endpoint_user_attributes", "u"), ("two", "endpoint_metrics", "m"),
    }  # fmt: skip
    assert {row[:3] for row in after - before} == {
        ("comes", "endpoint_attributes", "of"), ("comes", "endpoint_metrics", "m"),
        ("comes", "endpoint_user_attributes", "u"), ("two", "endpoint_metrics", "m"), ("two", "endpoint_metrics", "n"),
    }  # fmt: skip


@pytest.mark.parametrize("index", [
    "CREATE UNIQUE INDEX ON {} (ordinal)", "CREATE UNIQUE INDEX ON {} ((ordinal + 1))",
    "CREATE UNIQUE INDEX ON {} (user_id) WHERE ordinal > 0", "ALTER TABLE {} ADD UNIQUE (ordinal)",
])  # fmt: skip
def test_replace_where_places_are_unique(world, index):
    """Users in another order change their ordinals among themselves, which no update could do row by row."""
    users = ["a", "b", "c", "d"]
    for number, order in enumerate([users, users[::-1]]):
        world.answer(**{user: found(user) for user in order})
        world.run(DATES[number], "replace")
        if number == 0:
            world.store.psql(*(index.format(table) for table in ("users", "endpoints")))
        for table in ("users", "endpoints"):
            assert world.store.query(f"SELECT user_id FROM {table} ORDER BY ordinal") == [(user,) for user in order]


# Members that PostgreSQL takes for equal, and that aren't: zero and its negative, a number with one more digit in JSON,
# an empty text and none.
@pytest.mark.parametrize("one, other", [
    ('"Metrics": {"m": 0.0}', '"Metrics": {"m": -0.0}'), ('"Extra": 1.0', '"Extra": 1.00'),
    ('"Address": ""', '"Address": null'), ('"EffectiveDate": "2026-01-01T00:00:00Z"', '"EffectiveDate": "2026-01-01"'),
])  # fmt: skip
def test_replace_leaves_what_a_first_run_would(world, postgres, one, other):
    for number, members in enumerate([one, other, one]):
        world.answer(a=Answer(body=f'{{"Item": [{{"Id": "e", {members}}}]}}'.encode()))
        world.run(DATES[number], "replace")
        fresh = postgres()
        world.run(DATES[number], "replace", database=fresh)
        for table in ("endpoints", "endpoint_metrics"):
            rows = f"SELECT t::text FROM {table} AS t"
            assert world.store.query(rows) == fresh.store().query(rows)


def test_replace_with_failures_waits(world):
    """65, `unpublished`, however often it is run again, until its failures are accepted or another run comes."""
    world.answer(a=found("a-1"), b=found("b-1"))
    world.run(DATES[0], "replace")
    old = world.store.fingerprint()
    world.answer(a=found("a-2"), b=FAILING, c=found("c-1"))
    result = world.run(DATES[1], "replace", code=65)
    assert (result.summary["state"], result.summary["sinks"][0]["state"]) == ("unpublished", "unpublished")
    assert world.store.fingerprint() == old and world.store.run_states == ["complete", "unpublished"]
    assert world.store.failures("run_id", "user_id") == [(RUNS[1], "b")]
    # Nobody is asked again.
    world.server.asked.clear()
    world.run(DATES[1], "replace", code=65)
    assert world.store.fingerprint() == old and not world.server.asked
    # Accepted by now: published without asking anybody again.
    world.run(DATES[1], "replace", limits=ANYTHING | {"accept_failed": 1})
    assert not world.server.asked
    assert world.endpoints() == [("a", "a-2"), ("c", "c-1")]
    assert world.store.run_states == ["complete", "complete"]


@pytest.mark.parametrize("arguments", [[], ["--fresh"]])
def test_replace_that_waits_is_given_up(world, arguments):
    world.answer(a=found("a-1"), b=found("b-1"))
    world.run(DATES[0], "replace")
    world.answer(a=found("a-2"), b=FAILING)
    world.run(DATES[1], "replace", code=65)
    world.answer(a=found("a-3"), b=found("b-3"))
    world.run(DATES[2], "replace", arguments=arguments)
    assert world.endpoints() == [("a", "a-3"), ("b", "b-3")]
    assert world.store.query("SELECT run_id, state FROM sluice_runs ORDER BY 1") == [
        (RUNS[0], "complete"), (RUNS[1], "abandoned"), (RUNS[2], "complete")
    ]  # fmt: skip


def test_replace_and_the_brake_on_removals(world):
    """Publishing would remove too much: the old content stays, until it is accepted."""
    users = {f"user-{number:04d}": found(f"{number}-a", f"{number}-b") for number in range(2200)}
    limits = {"max_removed": "20%"}
    world.answer(**users)
    world.run(DATES[0], "replace", limits=limits, batch_size=200)
    old = world.store.fingerprint()
    world.answer(**dict(list(users.items())[:1100]))
    message = world.run(DATES[1], "replace", code=76, limits=limits, batch_size=200).message
    assert "max_removed" in message
    assert world.store.fingerprint() == old
    world.run(DATES[1], "replace", limits=limits, batch_size=200, arguments=["--accept", "removed"])
    assert world.store.count("endpoints") == 2200


def test_a_users_view_and_grants_survive(world):
    world.answer(a=found("a-1"), b=found("b-1"))
    world.run(DATES[0], "replace")
    reader = f"reader_{world.database.name}"
    world.database.psql(
        f"CREATE ROLE {reader} LOGIN PASSWORD 'reads'",
        f"GRANT USAGE ON SCHEMA pinpoint TO {reader}",
        f"GRANT SELECT ON pinpoint.endpoints, pinpoint.user_attributes TO {reader}",
        "CREATE VIEW public.theirs AS SELECT user_id, count(*) AS n FROM pinpoint.endpoints GROUP BY user_id",
        f"GRANT SELECT ON public.theirs TO {reader}",
        "CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM pinpoint.users",
        "CREATE INDEX theirs_too ON pinpoint.endpoints (channel_type)",
        "COMMENT ON TABLE pinpoint.endpoints IS 'what marketing asks for'",
    )
    world.answer(a=found("a-2", "a-3"), c=found("c-1"))
    world.run(DATES[1], "replace")

    def read(sql):
        return world.database.psql(sql, user=reader, password="reads").splitlines()

    assert read("SELECT user_id || n FROM theirs ORDER BY 1") == ["a2", "c1"]
    assert read("SELECT endpoint_id FROM pinpoint.endpoints ORDER BY 1") == ["a-2", "a-3", "c-1"]
    assert read("SELECT user_id FROM pinpoint.user_attributes GROUP BY 1 ORDER BY 1") == ["a", "c"]
    world.database.psql("REFRESH MATERIALIZED VIEW public.kept")
    assert world.database.psql("SELECT count(*) FROM public.kept").strip() == "2"
    assert '"theirs_too" btree (channel_type)' in world.store.describe("endpoints")
    comment = world.database.psql("SELECT obj_description('pinpoint.endpoints'::regclass)").strip()
    assert comment == "what marketing asks for"
    world.database.psql(f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")


class Reader(threading.Thread):
    """Polls the tables' content in one psql, and notes what it sees."""

    def __init__(self, database, isolation):
        super().__init__(daemon=True)
        self.session, self.isolation = database.session(), isolation
        self.session.ask("SET search_path TO pinpoint")
        self.seen, self.mixtures, self.polls, self.failure = set(), 0, 0, None
        self.ending = threading.Event()

    def run(self):
        query = fingerprint_query()
        try:
            while not self.ending.is_set():
                if self.isolation == "READ COMMITTED":
                    # One statement is one snapshot.
                    (content,) = self.session.ask(query)
                    self.seen.add(content)
                else:
                    # Two statements with time between them, and both see the same.
                    first, second = self.session.ask(
                        "BEGIN ISOLATION LEVEL REPEATABLE READ", query, "SELECT pg_sleep(0.05) IS NULL", query, "COMMIT"
                    )[::2]
                    self.mixtures += first != second
                    self.seen |= {first, second}
                self.polls += 1
        except Exception as failure:  # told by the test's own thread
            self.failure = failure

    def end(self):
        self.ending.set()
        self.join(30)
        self.session.close()
        assert self.failure is None, self.failure


@pytest.mark.limit(120)
def test_readers_during_replace(sluice, synthetic, postgres, dice):
    """The old content or the new: never a mixture, never nothing, however often it is looked at."""
    database = postgres()
    contents = [synthetic(users=900, seed=1), synthetic(users=700, seed=2), synthetic(users=900, seed=3)]

    def pipeline(server):
        return sluice.pipeline(
            "replacing", server.url, server.ids, batch_size=100, sinks=[database.sink("replace")], limits=ANYTHING
        )

    sluice.run(pipeline(contents[0]), "--logical-date", DATES[0]).expect(0)
    store = database.store()
    published = [store.fingerprint()]
    # One that began long before and reads on: it keeps what it saw.
    old = database.session()
    old.ask("SET search_path TO pinpoint", "BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert old.ask(fingerprint_query()) == published
    readers = [Reader(database, isolation) for isolation in ("READ COMMITTED", "REPEATABLE READ", "READ COMMITTED")]
    for reader in readers:
        reader.start()
    for server, date in zip(contents[1:], DATES[1:], strict=True):
        sluice.run(pipeline(server), "--logical-date", date).expect(0)
        published.append(store.fingerprint())
    # Long enough for everybody to look once more.
    polls = [reader.polls for reader in readers]
    while any(reader.is_alive() and reader.polls < before + 2 for reader, before in zip(readers, polls, strict=True)):
        time.sleep(0.02)
    for reader in readers:
        reader.end()
        assert reader.mixtures == 0
        assert reader.seen <= set(published), "something that was never published was seen"
        assert published[-1] in reader.seen and published[0] in reader.seen
    assert old.ask(fingerprint_query(), "COMMIT") == published[:1]
    assert old.ask(fingerprint_query()) == published[-1:]
    old.close()
    print(f"{sum(reader.polls for reader in readers)} looks during two publications")


# Who may write where -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), itertools.permutations(["merge", "append", "replace"], 2))
def test_another_mode(world, first, second):
    world.answer(a=found("a-1"))
    world.run(DATES[0], first)
    before = [world.store.describe(table) for table in LAYOUT], world.store.fingerprint()
    world.server.asked.clear()
    message = world.run(DATES[1], second, code=78).message
    assert first in message and second in message and "mode" in message
    assert before == ([world.store.describe(table) for table in LAYOUT], world.store.fingerprint())
    assert not world.server.asked
    # Another schema is the way out.
    world.run(DATES[1], second, sink={"schema": "elsewhere"})


def other_pipeline(world, mode, **answers):
    """A run of another pipeline into the same schema."""
    world.answer(**answers)
    return world.sluice.run(world.pipeline(mode, name="other", pipeline="other"), "--logical-date", DATES[1])


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_pipelines_share_tables(world, mode):
    world.answer(a=found("a-1"), b=FAILING)
    world.run(DATES[0], mode, code=65)
    other_pipeline(world, mode, b=found("b-1"), c=FAILING).expect(65)
    assert world.endpoints() == [("a", "a-1"), ("b", "b-1")]
    assert world.store.failures("run_id", "user_id") == [("other-20260102T000000Z", "c"), (RUNS[0], "b")]
    assert world.store.query("SELECT pipeline, state FROM sluice_runs ORDER BY 1") == [
        ("other", "complete"), ("under-test", "complete")
    ]  # fmt: skip


def test_replace_over_another_pipelines_tables(world):
    world.answer(a=found("a-1"))
    world.run(DATES[0], "replace")
    result = other_pipeline(world, "replace", b=found("b-1")).expect(78)
    assert "under-test" in result.message
    assert world.endpoints() == [("a", "a-1")]


def test_content_is_the_same_in_every_mode(sluice, synthetic, postgres):
    """Into an empty store the three modes write the same, `append`'s run_id aside."""
    server = synthetic(users=600)
    stores = {}
    for mode in ("merge", "append", "replace"):
        database = postgres()
        pipeline = sluice.pipeline(mode, server.url, server.ids, batch_size=70, sinks=[database.sink(mode)])
        sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
        stores[mode] = database.store()
    same_content(stores["merge"], stores["replace"])
    for table in LAYOUT:
        assert stores["merge"].rows(table, ["run_id"]) == stores["append"].rows(table, ["run_id"]), table


def test_two_pipelines_at_once(sluice, synthetic, postgres):
    """Different pipelines don't wait for each other's locks, and their rows of the same users don't deadlock."""
    server = synthetic(users=1500)
    alone = postgres()
    pipeline = sluice.pipeline("alone", server.url, server.ids, batch_size=50, sinks=[alone.sink()])
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    database = postgres()
    processes = []
    for name in ("one", "two"):
        pipeline = sluice.pipeline(name, server.url, server.ids, batch_size=50, sinks=[database.sink()], pipeline=name)
        processes.append(sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE))
    for process in processes:
        process.wait(60).expect(0)
    # Whoever came last has written a user's rows; but for his name they are the same.
    same_content(database.store(), alone.store(), without=["run_id"])
    assert database.store().count("endpoints", f"application_id = '{APPLICATION}'") > 1500

"""A merge writes what has changed and no more, and tells what it was: counts, `changed_at`, `removals`, triggers."""

import json
import os
import random
import sqlite3
from contextlib import closing

import pytest
from support.content import Store, same_content
from support.scripted_server import Answer, error
from support.sluice import APPLICATION

PARTS = ("endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes")
SEEN = {"ordinal", "run_id", "logical_date"}
ABSENT = error(404, "NotFoundException", "No such user")
FAILING = error(400, "BadRequestException", "Bad request")
LIMITS = {"max_removed": "100%", "max_absent": "100%", "max_failed": "100%", "accept_failed": "100%"}


def night(number):
    """A logical date as it is given, as it stands in tables, and the ID of its run."""
    return f"2026-02-{number:02d}", f"2026-02-{number:02d}T00:00:00.000Z", f"under-test-202602{number:02d}T000000Z"


class Copy:
    """One of the two databases that the nights are merged into."""

    def __init__(self, store):
        self.store = store
        self.is_file = isinstance(store, Store)

    def execute(self, *statements):
        if self.is_file:
            with closing(sqlite3.connect(self.store.path)) as connection, connection:
                for statement in statements:
                    connection.execute(statement)
        else:
            self.store.psql(*statements)

    def times(self, column):
        return column if self.is_file else f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

    def changed_at(self):
        return dict(self.store.query(f"SELECT endpoint_id, {self.times('changed_at')} FROM endpoints"))

    def removals(self, run):
        return sorted(
            self.store.query(f"SELECT endpoint_id, user_id, reason FROM removals WHERE run_id = '{run}'")
        )

    def parts(self, table):
        """Rows by all that they hold."""
        return set(self.store.rows(table))

    def content(self):
        """Each endpoint's own values, its parts included, and whose it is."""
        whole = {row[1]: [row[0], row[2], row, set()] for row in self.store.rows("endpoints", SEEN)}
        for table in PARTS:
            for row in self.store.rows(table):
                whole[row[1]][3].add((table, *row))
        return {identity: (user, (row, frozenset(parts))) for identity, (_, user, row, parts) in whole.items()}

    def watch(self):
        """Notes every row that is written, in a table of the user's own."""
        self.execute("CREATE TABLE IF NOT EXISTS written (relation text, what text)")
        for table in ("endpoints", *PARTS):
            for event in ("INSERT", "UPDATE", "DELETE", *(["UPDATE OF changed_at"] if table == "endpoints" else [])):
                name = f"watch_{table}_{event.replace(' ', '_').lower()}"
                if self.is_file:
                    body = f"BEGIN INSERT INTO written VALUES ('{table}', '{event}'); END"
                    self.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} {body}")
                else:
                    schema = self.store.schema
                    self.execute(
                        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                        f"INSERT INTO {schema}.written VALUES ('{table}', '{event}'); RETURN NULL; END $$",
                        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
                        "GRANT ALL ON written TO PUBLIC",
                    )

    def written(self):
        """How often each event happened to each table since the last look."""
        rows = self.store.query("SELECT relation, what, count(*) FROM written GROUP BY 1, 2")
        self.execute("DELETE FROM written")
        return {(table, event): int(count) for table, event, count in rows}


class Nights:
    """One pipeline over a scripted service or an archive, into SQLite and Postgres."""

    def __init__(self, sluice, postgres, scripted, tmp_path):
        self.sluice, self.folder = sluice, tmp_path
        self.database = postgres()
        self.answers = {}
        self.server = scripted(lambda request: self.answers[request.user])

    def sinks(self, name):
        return [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": "merge"}, self.database.sink("merge")]

    def copies(self, pipeline):
        return [Copy(Store(pipeline.database)), Copy(self.database.store())]

    def run(self, number, answers, code=0, **settings):
        """A night of the API; answers by user in order: documents, or an `Answer`."""
        self.answers = {
            user: what if isinstance(what, Answer) else Answer(body=json.dumps({"Item": what}).encode())
            for user, what in answers.items()
        }
        path = self.folder / "users.txt"
        path.write_text("".join(f"{user}\n" for user in answers))
        pipeline = self.sluice.pipeline(
            "nights", self.server.url, path, sinks=self.sinks("nights"), limits=LIMITS, retry={"max_attempts": 1},
            **settings,
        )  # fmt: skip
        return pipeline, self.sluice.run(pipeline, "--logical-date", night(number)[0]).expect(code).summary

    def read(self, number, documents, **settings):
        """A night of an archive."""
        folder = self.folder / "archive"
        folder.mkdir(exist_ok=True)
        (folder / "lines.json").write_text("".join(json.dumps(document) + "\n" for document in documents))
        pipeline = self.sluice.pipeline("nights", None, {}, sinks=self.sinks("nights"), limits=LIMITS, **settings)
        pipeline.document["source"] = {"type": "archive", "path": str(folder), "application_id": APPLICATION}
        pipeline.write()
        return pipeline, self.sluice.run(pipeline, "--logical-date", night(number)[0]).expect(0).summary


@pytest.fixture
def nights(sluice, postgres, scripted, tmp_path):
    return Nights(sluice, postgres, scripted, tmp_path)


def document(identity, **members):
    return {
        "Id": identity, "Address": f"{identity}@example.com", "ChannelType": "EMAIL", "CohortId": "1",
        "EffectiveDate": "2026-01-01T00:00:00.000Z",
        "Attributes": {"interests": ["sailing", "reading"], "plan": ["gold"]},
        "Metrics": {"visits": 3, "zero": -0.0}, "Location": {"Latitude": 0.0, "Country": "DE"},
        "User": {"UserAttributes": {"tier": ["ü", "b"]}}, "Later": {"a": [1.0, None], "text": "é"},
        **members,
    }  # fmt: skip


#: Ways in which one value differs, and the parts' tables that are written for it.
ONE_VALUE = {
    "a column": ({"Address": "other@example.com"}, {}),
    "only the case of a letter": ({"Address": "Anna-1@example.com"}, {}),
    "a column that empties": ({"CohortId": None}, {}),
    "the sign of zero": ({"Location": {"Latitude": -0.0, "Country": "DE"}}, {}),
    "the spelling of a number in extra": ({"Later": {"a": [1, None], "text": "é"}}, {}),
    "a list's order": (
        {"Attributes": {"interests": ["reading", "sailing"], "plan": ["gold"]}},
        {("endpoint_attributes", "UPDATE"): 2},
    ),
    "a shorter list": (
        {"Attributes": {"interests": ["sailing"], "plan": ["gold"]}},
        {("endpoint_attributes", "DELETE"): 1},
    ),
    "a longer list": (
        {"Attributes": {"interests": ["sailing", "reading", "x"], "plan": ["gold"]}},
        {("endpoint_attributes", "INSERT"): 1},
    ),
    "another name": (
        {"Attributes": {"hobbies": ["sailing", "reading"], "plan": ["gold"]}},
        {("endpoint_attributes", "INSERT"): 2, ("endpoint_attributes", "DELETE"): 2},
    ),
    "a metric": ({"Metrics": {"visits": 3.5, "zero": -0.0}}, {("endpoint_metrics", "UPDATE"): 1}),
    "the user's attributes": (
        {"User": {"UserAttributes": {"tier": ["ü", "c"]}}},
        {("endpoint_user_attributes", "UPDATE"): 1},
    ),
    "no parts any more": (
        {"Attributes": {}, "Metrics": {}, "User": {"UserAttributes": {}}},
        {
            ("endpoint_attributes", "DELETE"): 3,
            ("endpoint_metrics", "DELETE"): 2,
            ("endpoint_user_attributes", "DELETE"): 2,
        },
    ),
}
#: What SQLite can't tell apart: it has no negative zero.
UNSEEN_BY_SQLITE = {"the sign of zero"}


@pytest.mark.parametrize("source", ["api", "archive"])
def test_only_what_differs_is_written(nights, source):
    """Each way in which one value can differ, alone; all other rows stay untouched, in both databases."""
    names = [f"anna-{number + 1}" for number in range(len(ONE_VALUE) + 3)]

    def run(number, changes):
        documents = [document(name, **changes.get(name, {})) for name in names]
        if source == "archive":
            return nights.read(number, documents, batch_size=4)
        users = {f"u{place}": [each] for place, each in enumerate(documents)}
        return nights.run(number, users, batch_size=4)

    pipeline, summary = run(1, {})
    assert summary["changes"] == {"added": len(names), "changed": 0, "unchanged": 0, "removed": 0}
    copies = nights.copies(pipeline)
    for copy in copies:
        copy.watch()
    _, summary = run(2, {})
    assert summary["changes"] == {"added": 0, "changed": 0, "unchanged": len(names), "removed": 0}
    for copy in copies:
        assert copy.written() == {("endpoints", "UPDATE"): len(names)}, "they were seen, and that is all"
        assert set(copy.changed_at().values()) == {night(1)[1]}
        assert set(copy.store.query("SELECT run_id FROM endpoints")) == {(night(2)[2],)}
    for number, (what, (members, want)) in enumerate(ONE_VALUE.items(), start=3):
        pipeline, summary = run(number, {names[0]: members})
        for copy in copies:
            is_seen = not (copy.is_file and what in UNSEEN_BY_SQLITE)
            expected = {("endpoints", "UPDATE"): len(names)}
            if is_seen:
                expected |= {("endpoints", "UPDATE OF changed_at"): 1, **want}
            assert copy.written() == expected, what
            dates = copy.changed_at()
            assert dates.pop(names[0]) == (night(number)[1] if is_seen else night(1)[1]) or not is_seen, what
            assert set(dates.values()) == {night(1)[1]}, what
        # And back: the same again.
        back = number + len(ONE_VALUE)
        run(back, {})
        for copy in copies:
            copy.written()


def answers_of_chance(dice, held, members=lambda dice: {}):
    """A night's answers: users come, change, go, fail and exchange endpoints.

    `held` is what each user has, by the endpoint's ID, and is brought up to date; `members` gives an endpoint more of them.
    """
    users, answers = list(held), {}
    for user in dice.sample(users, len(users) - len(users) // 10):
        kind = dice.random()
        if kind < 0.08:
            answers[user] = FAILING
            continue
        if kind < 0.16:
            held[user], answers[user] = {}, ABSENT
            continue
        for _ in range(dice.choice([0, 0, 0, 1, 2])):
            # A shared name now and then: it moves from user to user.
            shared = dice.random() < 0.25
            identity = f"shared-{dice.randrange(4)}" if shared else f"{user}-{dice.randrange(4)}"
            change = dice.random()
            if change < 0.3:
                held[user].pop(identity, None)
            elif change < 0.7 or identity not in held[user]:
                held[user][identity] = document(
                    identity,
                    Attributes={f"a{dice.randrange(5)}": [str(dice.randrange(9))] * dice.randrange(1, 3)},
                    Metrics={"m": dice.randrange(5)}, **members(dice),
                )  # fmt: skip
        answers[user] = list(held[user].values())
    return answers


def test_nights_of_chance(nights):
    """Users come, change, go, fail and exchange endpoints; an oracle in Python compares each night with the one before."""
    seed = int(os.environ.get("SLUICE_TEST_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}")
    dice = random.Random(seed)
    users = [f"user-{number}" for number in range(40)]
    held = {user: {} for user in users}
    copies = None
    for number in range(1, 9):
        answers = answers_of_chance(dice, held)
        before = [copy.content() for copy in copies] if copies else [{}, {}]
        dates = [copy.changed_at() for copy in copies] if copies else [{}, {}]
        pipeline, summary = nights.run(number, answers, batch_size=500)
        copies = nights.copies(pipeline)
        date, stamp, run = night(number)
        for copy, old, old_dates in zip(copies, before, dates, strict=True):
            new = copy.content()
            written = {row[0] for row in copy.store.query(f"SELECT endpoint_id FROM endpoints WHERE run_id = '{run}'")}
            want = {
                "added": len(written - old.keys()),
                "changed": sum(identity in old and old[identity] != new[identity] for identity in written),
                "unchanged": sum(identity in old and old[identity] == new[identity] for identity in written),
                "removed": len(old.keys() - new.keys()),
            }
            expected = {
                identity: old_dates[identity] if old.get(identity) == new[identity] else stamp for identity in new
            }
            assert copy.changed_at() == expected
            gone = []
            for identity, (user, _) in old.items():
                if identity not in new:
                    gone.append((identity, user, "absent" if answers.get(user) is ABSENT else "gone"))
                elif new[identity][0] != user:
                    gone.append((identity, user, "moved"))
            assert copy.removals(run) == sorted(gone)
            if copy is copies[0]:
                assert summary["changes"] == want
            changes = json.loads(copy.store.value(f"SELECT counts FROM sluice_runs WHERE run_id = '{run}'"))
            assert {name: changes[name] for name in want} == want
            assert want["added"] + want["changed"] + want["unchanged"] == summary["endpoints"] - summary["superseded"]
        # Each database has its own spelling of JSON.
        same_content(*(copy.store for copy in copies), without={"extra"})


@pytest.mark.parametrize("order", [("anna", "bert"), ("bert", "anna")])
def test_what_moves_between_batches(nights, order):
    """An endpoint that leaves in one batch and comes in another has moved: it isn't told as gone."""
    nights.run(1, {"anna": [document("phone"), document("mail")], "bert": []})
    now = {"anna": [document("mail")], "bert": [document("phone")]}
    pipeline, _ = nights.run(2, {user: now[user] for user in order}, batch_size=1)
    for copy in nights.copies(pipeline):
        assert copy.removals(night(2)[2]) == [("phone", "anna", "moved")]
        assert copy.changed_at() == {"mail": night(1)[1], "phone": night(2)[1]}


def test_what_goes_for_a_while_only(nights):
    """Fetched twice in a run, with an endpoint that the first answer lacks: nothing is told as gone."""
    nights.run(1, {"anna": [document("phone")], "bert": [document("mail")]})
    turns = {"anna": [[], [document("phone")]], "bert": [[document("mail")]]}
    nights.server.answer = lambda request: Answer(
        body=json.dumps({"Item": turns[request.user][request.attempt - 1]}).encode()
    )
    path = nights.folder / "users.txt"
    path.write_text("anna\nbert\nanna\n")
    pipeline = nights.sluice.pipeline(
        "nights", nights.server.url, path, sinks=nights.sinks("nights"), limits=LIMITS, batch_size=1, concurrency=1
    )
    nights.sluice.run(pipeline, "--logical-date", night(2)[0]).expect(0)
    for copy in nights.copies(pipeline):
        assert copy.removals(night(2)[2]) == []
        assert set(copy.content()) == {"phone", "mail"}


def test_what_a_filter_takes_out(nights):
    """An archive's endpoint that a filter now drops is told as filtered."""
    nights.read(1, [document("keep"), document("drop"), document("new", ChannelType="SMS")])
    filters = [{"type": "filter", "where": {"ChannelType": ["EMAIL"]}}]
    later = "2026-01-02T00:00:00.000Z"
    pipeline, summary = nights.read(
        2, [document("keep"), document("drop", ChannelType="SMS", EffectiveDate=later)], transforms=filters
    )
    assert summary["changes"] == {"added": 0, "changed": 0, "unchanged": 1, "removed": 1}
    for copy in nights.copies(pipeline):
        assert copy.removals(night(2)[2]) == [("drop", None, "filtered")]


def test_rows_of_the_first_night_take_no_further_space(nights):
    """In Postgres what is seen again is written beside itself: no index grows, and parts keep their very place."""
    users = {f"u{number}": [document(f"e{number}")] for number in range(200)}
    nights.run(1, users, batch_size=50)
    store = nights.database.store()
    places = {table: store.query(f"SELECT ctid, xmin FROM {table} ORDER BY 1") for table in PARTS}
    sizes = "SELECT sum(pg_indexes_size(c.oid)) FROM pg_class c WHERE c.oid IN ('endpoints'::regclass, 'users'::regclass)"
    before = store.value(sizes)
    for number in range(2, 5):
        nights.run(number, users, batch_size=50)
    assert {table: store.query(f"SELECT ctid, xmin FROM {table} ORDER BY 1") for table in PARTS} == places
    assert store.value(sizes) == before

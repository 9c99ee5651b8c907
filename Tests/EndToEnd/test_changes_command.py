"""`sluice changes`: what merges changed, as counts and as rows, with which a follower keeps a copy of the tables."""

import copy
import gzip
import json
import re
import sqlite3
import subprocess
from contextlib import closing

import pytest
from support.archives import archive, endpoint, line
from support.content import Store
from support.ndjson import Folder
from support.postgres import FROM_TEXT, canonical_json, utc_text
from support.scripted_server import Answer, endpoints
from support.sluice import APPLICATION
from test_changes import ABSENT, FAILING, LIMITS, PARTS, SEEN, Nights, answers_of_chance, document, night
from test_outage import wait_for_commit

LAYOUTS = {"normalized": ["endpoints", *PARTS], "document": ["endpoints"]}
JSON_COLUMNS = {"extra", "attributes", "metrics", "user_attributes"}
KEY = ("application_id", "endpoint_id")


@pytest.fixture
def nights(sluice, postgres, scripted, tmp_path):
    return Nights(sluice, postgres, scripted, tmp_path)


# A follower -----------------------------------------------------------------------------------------------------------


class Follower:
    """A copy of the tables, which knows the lines alone."""

    def __init__(self):
        #: By key, an endpoint's own row and those of its parts.
        self.endpoints = {}
        self.removals = []

    def apply(self, lines):
        last = None
        for text in lines.splitlines():
            change = json.loads(text)
            assert list(change) == ["change", "table", "row"]
            table, row = change["table"], change["row"]
            key = tuple(row[name] for name in KEY)
            if change["change"] == "remove":
                assert table == "endpoints"
                assert list(row) == [*KEY, "user_id", "reason", "run_id", "logical_date"]
                self.endpoints.pop(key, None)
                self.removals.append(row)
                place = (row["logical_date"], key, 0)
            elif table == "endpoints":
                # Its parts go, and those that follow come.
                self.endpoints[key] = (row, [])
                place = (row["changed_at"], key, 1)
            else:
                assert change["change"] == "upsert" and last[1:] == (key, 1), "its endpoint stands before it"
                self.endpoints[key][1].append((table, row))
                continue
            assert last is None or last < place, "in the order of dates and keys"
            last = place
        return self

    def rows(self, table, without=()):
        if table == "endpoints":
            rows = [row for row, _ in self.endpoints.values()]
        else:
            rows = [row for _, parts in self.endpoints.values() for name, row in parts if name == table]
        return comparable(rows, without)


def comparable(rows, without=()):
    """Rows by all of their values; JSON by its value, since each database has its own spelling."""
    return sorted(
        (
            {
                name: canonical_json(value) if name in JSON_COLUMNS and value is not None else value
                for name, value in row.items()
                if name not in without
            }
            for row in rows
        ),
        key=repr,
    )


def stored(store, table, without=()):
    """The store's own table, its columns by name."""
    if isinstance(store, Store):
        with closing(sqlite3.connect(f"file:{store.path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return comparable(map(dict, connection.execute(f"SELECT * FROM {table}")), without)
    columns = store.columns(table)
    fields = ", ".join(utc_text(name) if "timestamp" in kind else name for name, kind in columns)
    return comparable(
        (
            {
                name: None if text is None else FROM_TEXT.get(kind, str)(text)
                for (name, kind), text in zip(columns, row, strict=True)
            }
            for row in store.query(f"SELECT {fields} FROM {table}")
        ),
        without,
    )


def same(follower, store, layout, without=()):
    for table in LAYOUTS[layout]:
        assert follower.rows(table, without) == stored(store, table, without), table


@pytest.mark.limit(240)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_is_kept(nights, layout, dice):
    """Nights of chance, some with a filter: whoever follows each night, comes late, or begins anew, has the store's tables."""
    sluice = nights.sluice
    held = {f"user-{number}": {} for number in range(40)}
    kept = {"sqlite": Follower(), "postgres": Follower()}
    earlier = {name: [Follower()] for name in kept}
    for number in range(1, 9):
        answers = answers_of_chance(
            dice, held, lambda dice: {"ChannelType": dice.choice(["EMAIL", "EMAIL", "SMS"]), "Later": dice.random()}
        )
        filters = [{"type": "filter", "where": {"ChannelType": ["EMAIL"]}}] if number in (3, 4, 7) else []
        pipeline, summary = nights.run(
            number, answers, flatten={"layout": layout}, transforms=filters, batch_size=dice.choice([7, 500])
        )
        for name, one in zip(kept, nights.copies(pipeline), strict=True):
            rows = sluice("changes", pipeline.file, "--rows", "--sink", name).expect(0)
            assert rows.err == ""
            same(kept[name].apply(rows.out), one.store, layout, SEEN)
            # Whoever comes late begins with a night that has been followed, or with the one after it.
            place = dice.randrange(number)
            late = copy.deepcopy(earlier[name][place])
            since = night(max(1, place + dice.randrange(2)))[0]
            late.apply(sluice("changes", pipeline.file, "--rows", "--sink", name, "--since", since).expect(0).out)
            same(late, one.store, layout, SEEN)
            everything = sluice("changes", pipeline.file, "--rows", "--sink", name, "--since", night(1)[0]).expect(0)
            same(Follower().apply(everything.out), one.store, layout)
            earlier[name].append(copy.deepcopy(kept[name]))
    reasons = {row["reason"] for row in kept["sqlite"].removals}
    assert {"gone", "absent", "moved"} <= reasons
    told = [sorted(map(json.dumps, follower.removals)) for follower in kept.values()]
    assert told[0] == told[1] and len(told[0]) == nights.database.store().count("removals")


def test_a_copy_of_an_archive_s_endpoints(nights):
    """Endpoints without a user, and one that a filter takes out."""
    nights.read(1, [document("keep"), document("drop"), document("new", User={})])
    later = "2026-01-02T00:00:00.000Z"
    pipeline, _ = nights.read(
        2, [document("drop", ChannelType="SMS", EffectiveDate=later), document("new", User={}, Metrics={})],
        transforms=[{"type": "filter", "where": {"ChannelType": ["EMAIL"]}}],
    )  # fmt: skip
    for name, one in zip(("sqlite", "postgres"), nights.copies(pipeline), strict=True):
        out = nights.sluice("changes", pipeline.file, "--rows", "--sink", name).expect(0).out
        first, *rest = out.splitlines()
        assert first == (
            '{"change":"remove","table":"endpoints","row":{"application_id":"%s","endpoint_id":"drop","user_id":null,'
            '"reason":"filtered","run_id":"under-test-20260202T000000Z","logical_date":"2026-02-02T00:00:00.000Z"}}'
        ) % APPLICATION
        assert {json.loads(text)["row"]["endpoint_id"] for text in rest} == {"new"}
        everything = nights.sluice("changes", pipeline.file, "--rows", "--sink", name, "--since", night(1)[0])
        same(Follower().apply(everything.expect(0).out), one.store, "normalized")


def test_a_run_of_an_earlier_date(nights):
    """An endpoint that goes and comes back by a run whose date lies before: followed from that date on, it is there."""
    nights.run(20, {"anna": [document("phone"), document("mail")]})
    nights.run(21, {"anna": [document("mail")]})
    pipeline, _ = nights.run(10, {"anna": [document("mail"), document("phone", Address="again")]})
    for name, one in zip(("sqlite", "postgres"), nights.copies(pipeline), strict=True):
        out = nights.sluice("changes", pipeline.file, "--rows", "--sink", name, "--since", night(10)[0]).expect(0).out
        same(Follower().apply(out), one.store, "normalized")


def test_a_date_that_is_done_again(nights):
    """By `retry`, and by `--fresh`: whoever names the last date that was followed misses nothing of it."""
    nights.run(1, {"anna": [document("phone"), document("mail")], "bert": [document("fax")], "carl": [document("pager")]})
    last = {"anna": [document("mail")], "bert": FAILING, "carl": [document("pager", Address="new")]}
    pipeline, _ = nights.run(2, last)
    copies = dict(zip(("sqlite", "postgres"), nights.copies(pipeline), strict=True))
    followers = {name: Follower() for name in copies}

    def follow(number):
        for name, one in copies.items():
            out = nights.sluice("changes", pipeline.file, "--rows", "--sink", name, "--since", night(number)[0]).expect(0).out
            same(followers[name].apply(out), one.store, "normalized", SEEN)

    follow(1)
    nights.answers["bert"] = Answer(body=json.dumps({"Item": [document("fax", CohortId="9"), document("watch")]}).encode())
    nights.sluice("retry", pipeline.file).expect(0)
    follow(2)
    # Done again, the night takes away what it has brought, and brings what it has taken away.
    done_again = {"anna": [document("phone")], "bert": [document("fax", CohortId="8")], "carl": []}
    nights.answers = {user: Answer(body=json.dumps({"Item": what}).encode()) for user, what in done_again.items()}
    nights.sluice.run(pipeline, "--logical-date", night(2)[0], "--fresh").expect(0)
    follow(2)
    assert {key[1] for key in followers["sqlite"].endpoints} == {"phone", "fax"}
    for name in copies:
        assert followers[name].endpoints.keys() == followers["sqlite"].endpoints.keys()


def test_rows_are_spelled_as_the_files_spell_them(nights):
    """Byte for byte, but for `changed_at`: texts, numbers of any size, what stands in `extra`."""
    odd = "\t\n\" \\ ü 🙂 \u0001 \b\f / \u2028"
    wide = {"a": [1, 2.50, None, True], "b": {"c": 12345678901234567890123}, "d": odd}
    documents = [
        document(
            "one", Address=odd, Later=wide, Location={"Latitude": 52.520008, "Longitude": 7, "Country": ""},
            Metrics={"whole": 3, "tenth": 0.1, "large": 1e300, "small": 5e-324},
            Attributes={odd: [odd, "", "3"]},
        ),
        # One member of `extra`, for Postgres puts them in an order of its own.
        document("two", Metrics={"huge": 12345678901234567890}),
    ]  # fmt: skip
    del documents[1]["Later"], documents[1]["User"]
    nights.sinks = lambda name: [
        {"type": "sqlite", "path": "out/endpoints.sqlite", "mode": "merge"}, nights.database.sink("merge"),
        {"type": "ndjson", "path": "out/lines", "mode": "replace"},
    ]  # fmt: skip
    pipeline, _ = nights.run(1, {"anna": documents})
    files = Folder(pipeline.folder / "out/lines").current
    for name in ("sqlite", "postgres"):
        out = nights.sluice("changes", pipeline.file, "--rows", "--sink", name).expect(0).out
        found = {}
        for text in out.split("\n")[:-1]:
            table, row = re.fullmatch(r'{"change":"upsert","table":"([a-z_]+)","row":({.*})}', text).groups()
            found.setdefault(table, []).append(row.replace(f',"changed_at":"{night(1)[1]}"', ""))
        assert set(found) == set(LAYOUTS["normalized"])
        for table, rows in found.items():
            data = b"".join(gzip.decompress(path.read_bytes()) for path in files.paths(table)).decode()
            for row, wanted in zip(sorted(rows), sorted(data.split("\n")[:-1]), strict=True):
                for mine, theirs in zip(row.split(","), wanted.split(","), strict=True):
                    assert mine == theirs, f"{table} of {name}"


# Counts ---------------------------------------------------------------------------------------------------------------


def two_nights(nights):
    nights.run(1, {
        "anna": [document("phone"), document("mail")], "bert": [document("fax")], "carl": [document("pager")],
        "dora": [document("tablet")],
    })  # fmt: skip
    return nights.run(2, {
        "anna": [document("mail", Address="other"), document("watch"), document("tablet")], "bert": [document("fax")],
        "carl": ABSENT, "dora": [],
    })[0]  # fmt: skip


def told(text):
    """Without the sinks' places, which may be longer than a line."""
    return re.sub(r"sink (\w+): .*?\(merge\)\n", r"sink \1\n", text, flags=re.DOTALL)


def test_counts(nights):
    pipeline = two_nights(nights)
    first = nights.sluice("changes", pipeline.file).expect(0)
    assert first.err == ""
    table = """\
  run         under-test-20260202T000000Z
  date                  added  changed  unchanged  removed  state
  2026-02-02T00:00:00Z      1        2          1        2  complete
  removals    1 gone, 1 absent, 1 moved
"""
    heading = "pipeline under-test: what the last complete run changed\n"
    assert told(first.out) == f"{heading}sink sqlite\n{table}sink postgres\n{table}"
    table = """\
  date                  added  changed  unchanged  removed  state
  2026-02-01T00:00:00Z      5        0          0        0  complete
  2026-02-02T00:00:00Z      1        2          1        2  complete
  total                     6        2          1        2
  removals    1 gone, 1 absent, 1 moved
"""
    heading = "pipeline under-test: what runs changed, from 2026-01-31T23:00:00Z on\n"
    since = ("--since", "2026-02-01T00:00:00+01:00")
    assert told(nights.sluice("changes", pipeline.file, *since).expect(0).out) == (
        f"{heading}sink sqlite\n{table}sink postgres\n{table}")
    one = told(nights.sluice("changes", pipeline.file, "--sink", "postgres", *since).expect(0).out)
    assert one == f"{heading}sink postgres\n{table}"
    counts = {
        "added": 1, "changed": 2, "unchanged": 1, "removed": 2,
        "removals": {"gone": 1, "absent": 1, "filtered": 0, "moved": 1},
    }  # fmt: skip
    said = json.loads(nights.sluice("changes", pipeline.file, "--output", "json").expect(0).out)
    assert said == {
        "pipeline": "under-test", "since": None, "exit_code": 0,
        "sinks": [
            {
                "name": name, "type": name, "target": target, "mode": "merge",
                "runs": [{"run_id": night(2)[2], "logical_date": night(2)[1], "state": "complete", **counts}],
                "total": counts, "neighbours": [], "error": None,
            }
            for name, target in (
                ("sqlite", str(pipeline.database)),
                ("postgres", f"127.0.0.1:{nights.database.cluster.port}/{nights.database.name} pinpoint"),
            )
        ],
    }  # fmt: skip
    # The same as a run's own summary and report say.
    report = json.loads(nights.sluice("report", pipeline.file, "--output", "json").expect(0).out)
    for sink in report["sinks"]:
        assert sink["last_run"]["changes"] == {name: counts[name] for name in ("added", "changed", "unchanged", "removed")}


def test_no_line_is_wider_than_a_terminal(nights):
    pipeline = two_nights(nights)
    large = {"added": 12345678, "changed": 1234567, "unchanged": 123456789, "removed": 1234567}
    with closing(sqlite3.connect(pipeline.database)) as connection, connection:
        for run, counts in connection.execute("SELECT run_id, counts FROM sluice_runs").fetchall():
            connection.execute(
                "UPDATE sluice_runs SET counts = ?, state = 'published, not handed over' WHERE run_id = ?",
                [json.dumps({**json.loads(counts), **large}), run])  # fmt: skip
    out = told(nights.sluice("changes", pipeline.file, "--since", night(1)[0], "--sink", "sqlite").expect(0).out)
    assert "24691356  2469134  246913578  2469134\n" in out and "not handed over\n" in out
    assert max(map(len, out.splitlines())) <= 80


def test_before_anything_is_complete(nights):
    """As `status` has it, no run is no error; and looking makes nothing."""
    pipeline = nights.sluice.pipeline(
        "nights", nights.server.url, nights.folder / "users.txt", sinks=nights.sinks("nights"), limits=LIMITS)
    out = nights.sluice("changes", pipeline.file).expect(0).out
    assert told(out).splitlines()[1:] == ["sink sqlite", "  last run    none yet", "sink postgres", "  last run    none yet"]
    rows = nights.sluice("changes", pipeline.file, "--rows", "--sink", "sqlite").expect(0)
    assert rows.out == "" and rows.err.endswith(
        "warning: sink 'sqlite': there is no run yet, so nothing has changed\n")
    assert not pipeline.database.exists() and nights.database.store().tables() == []

    nights.answers = {"anna": Answer(body=json.dumps({"Item": [document("phone")]}).encode())}
    (nights.folder / "users.txt").write_text("anna\n")
    pipeline.document["limits"] = {**LIMITS, "min_records": 2}
    pipeline.document["batch_size"] = 1
    nights.sluice.run(pipeline.write(), "--logical-date", night(3)[0]).expect(76)
    out = told(nights.sluice("changes", pipeline.file, "--sink", "sqlite").expect(0).out)
    assert out.splitlines()[2:] == [
        "  complete    no run yet; --since tells of under-test-20260203T000000Z too,",
        "              which is interrupted",
    ]
    rows = nights.sluice("changes", pipeline.file, "--rows", "--sink", "sqlite").expect(0)
    assert rows.out == "" and "no run is complete yet; --since tells also what under-test-20260203T000000Z" in rows.err
    out = told(nights.sluice("changes", pipeline.file, "--sink", "sqlite", "--since", night(3)[0]).expect(0).out)
    assert "  2026-02-03T00:00:00Z      1        0          0        0  interrupted\n" in out
    rows = nights.sluice("changes", pipeline.file, "--rows", "--sink", "postgres", "--since", night(3)[0]).expect(0)
    same(Follower().apply(rows.out), nights.database.store(), "normalized")
    out = told(nights.sluice("changes", pipeline.file, "--sink", "sqlite", "--since", night(4)[0]).expect(0).out)
    assert out.splitlines()[2:] == ["  runs        none from that date on; the last one is", "              under-test-20260203T000000Z"]


# What can't be done ---------------------------------------------------------------------------------------------------


def test_what_is_refused(nights):
    pipeline = two_nights(nights)

    def refused(code, message, *options, sinks=None):
        if sinks:
            pipeline.document["sinks"] = sinks
        result = nights.sluice("changes", pipeline.write().file, *options).expect(code)
        assert result.out == "" and result.err == f"sluice: error: {message}\n"

    several = "pipeline 'under-test' has 2 sinks in mode 'merge', and rows are told of one\n  Name it with --sink: 'sqlite', 'postgres'."
    refused(64, several, "--rows")
    unknown = "pipeline 'under-test' has no sink 'lines' in mode 'merge'\n  It has 'sqlite', 'postgres'."
    refused(64, unknown, "--sink", "lines")
    refused(64, unknown, "--sink", "lines", "--rows")
    date = "'tomorrow' is no date such as 2026-11-23 or 2026-11-23T04:00:00Z."
    refused(
        64,
        f"the value 'tomorrow' is invalid for '--since <time>': {date}\n  'sluice changes --help' says what it takes.",
        "--since", "tomorrow",
    )  # fmt: skip
    none = (
        "pipeline 'under-test' has no sink in mode 'merge', and only a merge tells what it changed\n"
        "  Give a sink of type sqlite or postgres 'mode: merge'. In all others each run's rows are whole: compare them run by run."
    )
    for options in ((), ("--rows",)):
        refused(78, none, *options, sinks=[{"type": "ndjson", "path": "out/lines"}])


def test_a_sink_that_is_away(nights):
    """The other one is told all the same."""
    pipeline = two_nights(nights)
    pipeline.document["sinks"][1]["url"] = "postgresql://nobody@127.0.0.1:1/none"
    result = nights.sluice("changes", pipeline.write().file).expect(69)
    assert "  2026-02-02T00:00:00Z      1        2          1        2  complete\n" in result.out
    assert result.message.startswith("sluice: error: sink 'postgres': ")
    result = nights.sluice("changes", pipeline.file, "--rows", "--sink", "postgres").expect(69)
    assert result.out == "" and result.message.startswith("sluice: error: sink 'postgres': ")


def test_rows_of_an_earlier_version(nights):
    """They have no date until they change: that is said, and what to do."""
    pipeline = two_nights(nights)
    for name, one in zip(("sqlite", "postgres"), nights.copies(pipeline), strict=True):

        def rows(name=name):
            return nights.sluice("changes", pipeline.file, "--rows", "--sink", name, "--since", night(1)[0]).expect(0)

        one.execute("UPDATE endpoints SET changed_at = NULL WHERE endpoint_id IN ('fax', 'mail')")
        one.execute("UPDATE endpoints SET logical_date = logical_date")
        result = rows()
        assert result.err.endswith(
            f" warning: sink '{name}': 2 endpoints have no changed_at: an earlier version wrote them, and nothing has changed "
            "them since, so no date finds them. Give them one, after a run of this version: "
            "UPDATE endpoints SET changed_at = logical_date WHERE changed_at IS NULL\n"
        ), result.err
        ids = {json.loads(text)["row"]["endpoint_id"] for text in result.out.splitlines() if '"upsert"' in text}
        assert ids == {"watch", "tablet"}
        one.execute(result.err.strip().rpartition(": ")[2])
        result = rows()
        assert result.err == ""
        same(Follower().apply(result.out), one.store, "normalized")
        # A store that no run of this version has written yet.
        one.execute("DROP TABLE removals", "ALTER TABLE endpoints DROP COLUMN changed_at")
        result = rows()
        assert result.out == "" and "4 endpoints have no changed_at" in result.err
    nights.sluice("changes", pipeline.file).expect(0)


# Streams --------------------------------------------------------------------------------------------------------------


def test_whoever_has_read_enough(sluice, synthetic):
    server = synthetic(users=2000)
    pipeline = sluice.pipeline("pipe", server.url, server.ids)
    sluice.run(pipeline).expect(0)
    for ignoring in ("", "trap '' PIPE; "):
        done = subprocess.run(
            ["bash", "-c", f'set -o pipefail; {ignoring}"$0" changes "$1" --rows | head -n 1', sluice.binary, pipeline.file],
            env=sluice.environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 1
    with open("/dev/full", "wb") as full:
        command = [sluice.binary, "changes", pipeline.file, "--rows"]
        done = subprocess.run(command, env=sluice.environment(), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 74 and b"standard output can't be written" in done.stderr


@pytest.mark.limit(600)
@pytest.mark.parametrize("most", [30_000, pytest.param(500_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_memory_does_not_grow(sluice, postgres, tmp_path, kind, most):
    """With endpoints, and with the parts of one."""
    database = postgres()
    peaks = []
    for count in (3_000, most):
        path, many = tmp_path / f"{count}.json", 100_000 if count == most else 10
        with open(path, "wb") as file:
            for number in range(count):
                file.write(line(endpoint(number, 4)))
            file.write(line(endpoint(count, Attributes={"many": [f"{place:06d}" * 5 for place in range(many)]})))
        sink = {"type": "sqlite", "path": "out.sqlite"} if kind == "sqlite" else database.sink(schema=f"of_{count}")
        pipeline = archive(sluice, f"of-{count}", path, sinks=[sink], batch_size=5000)
        sluice.run(pipeline, timeout=500).expect(0)
        result = sluice("changes", pipeline.file, "--rows", timeout=300).expect(0)
        lines = result.out.count("\n")
        assert lines == count * (1 + 3 + 2 + 2) + 1 + many + 2 + 2
        peaks.append(result.peak_mebibytes)
        print(f"{kind}, {count} endpoints: {lines} lines, {result.elapsed:.1f} s, {result.peak_mebibytes:.0f} MiB")
    assert peaks[1] <= peaks[0] + 24, peaks


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_while_a_run_writes(sluice, scripted, postgres, tmp_path, kind):
    """One snapshot: each endpoint comes with the parts that it was written with, and nothing is waited for."""
    users = [f"user-{number:03d}" for number in range(300)]
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in users))
    state = {"night": 1}

    def answer(request):
        text = f"night {state['night']}"
        marked = document(request.user, Address=text, Attributes={"of": [text] * state["night"]})
        return Answer(body=json.dumps({"Item": [marked]}).encode())

    server = scripted(answer)
    database = postgres()
    sink = {"type": "sqlite", "path": "out/endpoints.sqlite"} if kind == "sqlite" else database.sink()
    # The file tells how far the run has come.
    sinks = [{"type": "sqlite", "path": "out/progress.sqlite", "name": "progress"}, {**sink, "name": "followed"}]
    limits = {"requests_per_second": 100, "burst": 10, "adaptive": False}
    pipeline = sluice.pipeline("busy", server.url, tmp_path / "users.txt", sinks=sinks, batch_size=10)
    sluice.run(pipeline, "--logical-date", night(1)[0]).expect(0)
    pipeline.document["source"]["rate_limit"] = limits
    state["night"] = 2
    process = sluice.start_run(pipeline.write(), "--logical-date", night(2)[0])
    wait_for_commit(process, pipeline, 50)
    seen = []
    while process.poll() is None:
        result = sluice("changes", pipeline.file, "--rows", "--sink", "followed", "--since", night(1)[0])
        if result.code == 75:
            # The file's log went away, or came, in this very moment.
            assert process.poll() is not None or "began to write" in result.err
            continue
        follower = Follower().apply(result.expect(0).out)
        assert len(follower.endpoints) == len(users)
        for row, parts in follower.endpoints.values():
            number = int(row["address"].removeprefix("night "))
            marks = [part["value"] for table, part in parts if table == "endpoint_attributes"]
            assert marks == [row["address"]] * number and row["changed_at"] == night(number)[1]
        seen.append(sum(row["address"] == "night 2" for row, _ in follower.endpoints.values()))
        # What the last complete run brought is still told as such, as far as it stands; a run is complete a moment
        # before its process has ended.
        out = sluice("changes", pipeline.file, "--sink", "followed").out
        first = "  2026-02-01T00:00:00Z    300        0          0        0  complete\n"
        second = "  2026-02-02T00:00:00Z      0      300          0        0  complete\n"
        assert first in out or second in out, out
    process.wait().expect(0)
    assert len(set(seen)) >= 3 and seen == sorted(seen), seen

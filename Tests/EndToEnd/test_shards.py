"""All shards of a run together are the run: every ID in exactly one of them, by a hash that never changes."""

import hashlib

import pytest
from support.content import TABLES, Store
from support.ndjson import Folder
from support.readers import identities
from support.shards import DATED, NDJSON, RUN, SHARD, run_shards, together

COUNTS = [1, 2, 3, 7]


def shard_of(identity, count):
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") % count


def test_the_hash():
    """The documented values, by another implementation."""
    assert [shard_of(identity, 3) for identity in ("user-000000", "jane@example.com", "ünï")] == [1, 0, 2]


@pytest.fixture
def users(synthetic, tmp_path, dice):
    """(server, pipeline settings' reader, IDs by ordinal); two of the lines are no IDs."""
    ids, known = identities(700)
    dice.shuffle(ids)
    lines = [identity.encode() for identity in ids]
    for place in (100, 400):
        lines[place] = b".."
        ids[place] = ".."
    path = tmp_path / "ids.txt"
    path.write_bytes(b"\n".join(lines))
    return synthetic(users=known), path, ids


def asking(sluice, name, users, **settings):
    return sluice.pipeline(
        name, users[0].url, users[1], batch_size=60, limits={"max_absent": "100%", "accept_failed": 2}, **settings
    )


@pytest.mark.parametrize("count", COUNTS)
def test_ndjson(sluice, users, count):
    whole = asking(sluice, "whole", users, sinks=NDJSON)
    said = sluice.run(whole, *DATED).expect(0).summary
    pipeline = asking(sluice, "shards", users, sinks=NDJSON)
    summaries = run_shards(sluice, pipeline, count, *DATED)
    folder, right = Folder(pipeline.folder / "out"), Folder(whole.folder / "out").runs[RUN]
    names = [f"{RUN}.shard{index}" for index in range(count)] if count > 1 else [RUN]
    assert sorted(folder.runs) == names
    assert folder.link is None or count == 1, "no shard is the current run"
    for index, name in enumerate(names):
        run = folder.runs[name]
        run.check()
        rows = run.rows("users", append=True)
        assert {shard_of(row[1], count) for row in rows} == {index}
        # Ordinals are the input's, in its order.
        ordinals = [row[4] for row in rows]
        assert ordinals == sorted(ordinals) and all(users[2][row[4]] == row[1] for row in rows)
        assert {row[SHARD] for row in run.rows("failures", append=True)} <= {index}
    assert together(folder.runs.values()) == together([right])
    for name in ("records", "found", "absent", "failed", "endpoints"):
        assert sum(summary[name] for summary in summaries) == said[name], name
    assert all(summary["records"] == summary["found"] + summary["absent"] + summary["failed"] for summary in summaries)


@pytest.mark.limit(120)
@pytest.mark.parametrize("count", [2, 3])
def test_one_store_for_all(sluice, users, postgres, count):
    """Several shards merge into one SQLite file and one schema of Postgres, at the same time or one after the other."""
    databases = [postgres(), postgres()]

    def write(name, database):
        sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": "merge"}, database.sink("merge")]
        return asking(sluice, name, users, sinks=sinks)

    whole = write("whole", databases[0])
    sluice.run(whole, *DATED).expect(0)
    pipeline = write("shards", databases[1])
    if count == 3:
        processes = [sluice.start_run(pipeline, "--shard", f"{index}/{count}", *DATED) for index in range(count)]
        results = [process.wait() for process in processes]
        for index, result in enumerate(results):
            # A database changes its journal's mode for nobody who waits: whoever meets that moment is told to run again.
            if result.code == 75:
                assert "Run again" in result.message
                result = sluice.run(pipeline, "--shard", f"{index}/{count}", *DATED)
            result.expect(0)
    else:
        run_shards(sluice, pipeline, count, *DATED)
    without = {"shard"}
    pairs = [(Store(whole.database), Store(pipeline.database)), tuple(database.store() for database in databases)]
    for left, right in pairs:
        for table in TABLES:
            one, other = left.rows(table, without), right.rows(table, without)
            assert one == other, f"{table} of {right.path}: {sorted(set(one) ^ set(other), key=repr)[:4]}"
        shards = right.query("SELECT shard, state FROM sluice_runs ORDER BY 1")
        assert [(int(shard), state) for shard, state in shards] == [(index, "complete") for index in range(count)]


@pytest.mark.parametrize("variable", ["JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"])
def test_from_the_environment(sluice, users, variable):
    pipeline = asking(sluice, "job", users, sinks=NDJSON)
    for index in range(3):
        sluice.run(pipeline, "--shards", 3, *DATED, environment={variable: index}).expect(0)
    whole = asking(sluice, "whole", users, sinks=NDJSON)
    sluice.run(whole, *DATED).expect(0)
    runs = Folder(pipeline.folder / "out").runs
    assert sorted(runs) == [f"{RUN}.shard{index}" for index in range(3)]
    assert together(runs.values()) == together(Folder(whole.folder / "out").runs.values())


def test_resume(sluice, users):
    """A shard that was killed goes on by itself; the others neither wait nor notice."""
    pipeline = asking(sluice, "killed", users)
    plan = {"SLUICE_FAILPOINT": "sqlite.commit.before#3=kill"}
    assert sluice.run(pipeline, "--shard", "1/2", *DATED, environment=plan).code == -9
    sluice.run(pipeline, "--shard", "0/2", *DATED).expect(0)
    assert sluice.run(pipeline, "--shard", "1/2", *DATED).expect(0).summary["resumed_from"] > 0
    whole = asking(sluice, "whole", users)
    sluice.run(whole, *DATED).expect(0)
    for table in TABLES:
        assert Store(whole.database).rows(table, {"shard"}) == Store(pipeline.database).rows(table, {"shard"})


def test_another_number_of_shards(sluice, users):
    """A run that was begun with two shards doesn't go on with three."""
    pipeline = asking(sluice, "killed", users)
    plan = {"SLUICE_FAILPOINT": "sqlite.commit.before#3=kill"}
    assert sluice.run(pipeline, "--shard", "1/2", *DATED, environment=plan).code == -9
    for arguments in (["--shard", "1/3"],):
        assert "--fresh" in sluice.run(pipeline, *arguments, *DATED).expect(78).message


@pytest.mark.parametrize(
    "arguments", ["2/2", "-1/2", "0/0", "1", "a/b", "0/1/2", "", "1/", "/2", "0/99999", "1.0/2", " 0/2"]
)
def test_no_shard(sluice, users, arguments):
    result = sluice.run(asking(sluice, "usage", users), f"--shard={arguments}", *DATED).expect(64)
    assert "hard" in result.err
    assert not (sluice.folder / "usage" / "out").exists()


@pytest.mark.parametrize(
    ("environment", "arguments"),
    [
        ({}, ["--shards", "2"]),
        ({"JOB_COMPLETION_INDEX": "2"}, ["--shards", "2"]),
        ({"JOB_COMPLETION_INDEX": "x"}, ["--shards", "2"]),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "-1"}, ["--shards", "2"]),
        ({"JOB_COMPLETION_INDEX": "0"}, ["--shards", "0"]),
        ({"JOB_COMPLETION_INDEX": "0"}, ["--shards", "3", "--shard", "0/2"]),
    ],
)
def test_no_shard_of_the_environment(sluice, users, environment, arguments):
    sluice.run(asking(sluice, "usage", users), *arguments, *DATED, environment=environment).expect(64)


def test_what_cannot_be_done_in_parts(sluice, users):
    replacing = asking(sluice, "replace", users, sinks=[{"type": "sqlite", "path": "out/x.sqlite", "mode": "replace"}])
    assert "replace" in sluice.run(replacing, "--shard", "0/2", *DATED).expect(78).message
    for number, sink in enumerate(({"type": "sqlite", "path": "out/x.sqlite", "mode": "append"}, NDJSON[0])):
        appending = asking(sluice, f"append-{number}", users, sinks=[sink])
        assert "--logical-date" in sluice.run(appending, "--shard", "0/2").expect(64).message
    # Merging needs no date: each shard has a run of its own.
    merging = asking(sluice, "merge", users)
    for index in range(2):
        sluice.run(merging, "--shard", f"{index}/2").expect(0)

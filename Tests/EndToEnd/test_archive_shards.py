"""The shards of an archive: whole files where there are enough of them, and each is opened by one shard alone."""

import gzip
import re
import shutil
from collections import Counter

import pytest
from support.archives import PARTS, SPAN, archive, endpoint, endpoints, line, listing, numbered, spread
from support.content import TABLES, Store
from support.ndjson import Folder
from support.shards import DATED, NDJSON, RUN, run_shards, together
from support.sluice import LOGICAL_DATE

LIMITS = {"accept_failed": 1}


def dealt(files, count):
    """{number of a file: its shard}: the largest first, each to the shard with the fewest bytes so far."""
    loads, shards = [0] * count, {}
    for number in sorted(range(len(files)), key=lambda number: (-files[number].path.stat().st_size, number)):
        shards[number] = loads.index(min(loads))
        loads[shards[number]] += files[number].path.stat().st_size
    return shards


@pytest.mark.parametrize("count", [2, 3, 7])
def test_each_record_is_one_shards(sluice, tmp_path, dice, count):
    """By its file; with fewer files than shards by its number in the file."""
    lines = endpoints(500)
    lines[123] = b"no JSON\n"
    spread(tmp_path / "exports", lines, 4, dice)
    files = listing(tmp_path / "exports")
    whole = archive(sluice, "whole", tmp_path / "exports", sinks=NDJSON, limits=LIMITS)
    said = sluice.run(whole, *DATED).expect(0).summary
    pipeline = archive(sluice, "shards", tmp_path / "exports", sinks=NDJSON, limits=LIMITS)
    summaries = run_shards(sluice, pipeline, count, *DATED)
    runs = Folder(pipeline.folder / "out").runs
    shards = dealt(files, count) if count <= len(files) else None
    ordinal = TABLES["endpoints"].index("ordinal")
    records = [number for number, text in numbered(files) if text != b"no JSON"]
    assert len(records) == 499
    for index in range(count):
        found = [row[ordinal] for row in runs[f"{RUN}.shard{index}"].rows("endpoints", append=True)]
        own = [
            number for number in records
            if (shards[number // SPAN] if shards else number % SPAN % count) == index
        ]  # fmt: skip
        assert found == own
    assert together(runs.values()) == together([Folder(whole.folder / "out").runs[RUN]])
    for name in ("records", "found", "failed", "endpoints"):
        assert sum(summary[name] for summary in summaries) == said[name], name
    if shards:
        assert sum(summary["files"]["read"] for summary in summaries) == said["files"]["read"] == 4


@pytest.mark.limit(180)
@pytest.mark.parametrize("count", [3, 8, pytest.param(64, marks=pytest.mark.soak)])
def test_shards_of_forty_files(sluice, tmp_path, dice, postgres, count):
    """Into Postgres, SQLite and NDJSON, some of them killed and started again, in any order: what one run gives."""
    spread(tmp_path / "exports", [line(endpoint(number)) for number in range(1200)], 40, dice)
    databases = [postgres(), postgres()]

    def write(name, database):
        sinks = [
            {"type": "sqlite", "path": "out/endpoints.sqlite", "mode": "merge"}, database.sink("merge"),
            {"type": "ndjson", "path": "out/files", "mode": "append"},
        ]  # fmt: skip
        return archive(sluice, name, tmp_path / "exports", batch_size=20, sinks=sinks)

    whole, pipeline = write("whole", databases[0]), write("shards", databases[1])
    sluice.run(whole, *DATED).expect(0)
    order = list(range(count))
    dice.shuffle(order)
    for index in order:
        shard = ("--shard", f"{index}/{count}", *DATED)
        if index % 3 == 0:
            point = dice.choice(["sqlite.commit.before", "postgres.commit.after", "ndjson.commit.before"])
            killed = sluice.run(pipeline, *shard, environment={"SLUICE_FAILPOINT": f"{point}#{dice.randrange(1, 3)}=kill"})
            assert killed.code in (-9, 0), killed.err
        sluice.run(pipeline, *shard).expect(0)
    pairs = [(Store(whole.database), Store(pipeline.database)), tuple(database.store() for database in databases)]
    for left, right in pairs:
        for table in PARTS:
            assert left.rows(table) == right.rows(table), f"{table} of {right.path}"
    runs = Folder(pipeline.folder / "out" / "files").runs
    assert together(runs.values()) == together([Folder(whole.folder / "out" / "files").runs[RUN]])


def test_a_file_is_opened_by_its_shard_alone(sluice, tmp_path, dice):
    if not shutil.which("strace"):
        pytest.skip("strace isn't there")
    folder = tmp_path / "exports"
    folder.mkdir()
    for number in range(12):
        text = b"".join(line(endpoint(number * 100 + place)) for place in range(dice.randrange(1, 40)))
        (folder / f"part-{number:02d}.json.gz").write_bytes(gzip.compress(text))
    pipeline = archive(sluice, "traced", folder, batch_size=20)
    shards, opened = dealt(listing(folder), 5), Counter()
    for index in range(5):
        trace = tmp_path / "trace"
        command = ["strace", "-f", "--seccomp-bpf", "-e", "trace=openat,open", "-o", str(trace)]
        for plan in ({"SLUICE_FAILPOINT": "sqlite.commit.before#2=kill"}, {}):
            # Killed, it finds its place again, and still opens no other's file.
            sluice.run(pipeline, "--shard", f"{index}/5", *DATED, prefix=command, environment=plan)
            found = {int(number) for number in re.findall(r"part-(\d\d)\.json\.gz", trace.read_text())}
            assert found <= {number for number, shard in shards.items() if shard == index}
            opened.update(found)
        assert Store(pipeline.database).query(
            f"SELECT state FROM sluice_runs WHERE shard = {index}"
        ) == [("complete",)]
    assert set(opened) == set(range(12))


@pytest.mark.parametrize("what", ["added", "larger", "gone"])
def test_shards_that_find_other_files(sluice, tmp_path, dice, what):
    """One that begins later, or goes on: nothing is read twice or by nobody, so nothing is read."""
    lines = endpoints(300)
    paths = spread(tmp_path / "exports", lines, 6, dice)
    pipeline = archive(sluice, "shards", tmp_path / "exports", batch_size=20)
    sluice.run(pipeline, "--shard", "0/3", *DATED).expect(0)
    plan = {"SLUICE_FAILPOINT": "sqlite.commit.before#2=kill"}
    assert sluice.run(pipeline, "--shard", "1/3", *DATED, environment=plan).code == -9
    before, old = Store(pipeline.database).account(), paths[-1].read_bytes()
    added = tmp_path / "exports" / "part-9999.json"
    if what == "added":
        added.write_bytes(line(endpoint(1000)))
    elif what == "larger":
        paths[-1].write_bytes(old + old if old[:1] != b"{" else old.rstrip(b"\n") + b"\n" + old)
    else:
        paths[-1].unlink()
    for index in (1, 2):
        result = sluice.run(pipeline, "--shard", f"{index}/3", *DATED).expect(66)
        assert "names or sizes differ" in result.message and "--logical-date" in result.message
        assert Store(pipeline.database).account() == before
    # A run of another date reads what is there now; and the old one goes on once its files are back.
    added.unlink(missing_ok=True)
    paths[-1].write_bytes(old)
    for index in (1, 2):
        sluice.run(pipeline, "--shard", f"{index}/3", *DATED).expect(0)
    whole = archive(sluice, "whole", tmp_path / "exports")
    sluice.run(whole, *DATED).expect(0)
    for table in PARTS:
        assert Store(whole.database).rows(table) == Store(pipeline.database).rows(table)


@pytest.mark.parametrize("mode", ["merge", "append"])
@pytest.mark.parametrize("conflict", ["newest", "last"])
def test_lines_of_one_endpoint_in_many_shards(sluice, tmp_path, dice, postgres, conflict, mode):
    """Whichever shard commits it, the newest line counts, and of equal dates the one further on; or always that."""
    dates = ["2026-03-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z", None, "soon"]
    lines = [
        line(endpoint(number % 23, number, EffectiveDate=dice.choice(dates[:3] if number % 2 else dates)))
        for number in range(600)
    ]  # fmt: skip
    spread(tmp_path / "exports", lines, 7, dice)
    databases = [postgres(), postgres()]

    def write(name, database):
        sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": mode}, database.sink(mode)]
        source = {"conflict": conflict}
        return archive(sluice, name, tmp_path / "exports", batch_size=20, sinks=sinks, source=source)

    whole, pipeline = write("whole", databases[0]), write("shards", databases[1])
    sluice.run(whole, *DATED).expect(0)
    # Another date's run before it: its rows are no reason to give way.
    sluice.run(pipeline, "--logical-date", "2026-01-01T00:00:00Z").expect(0)
    count = dice.choice([3, 5, 11])
    order = list(range(count))
    dice.shuffle(order)
    for index in order:
        sluice.run(pipeline, "--shard", f"{index}/{count}", *DATED).expect(0)
    pairs = [(Store(whole.database), Store(pipeline.database)), tuple(database.store() for database in databases)]
    for left, right in pairs:
        for table in PARTS:
            text = ", ".join(TABLES[table] + (["run_id"] if mode == "append" and table != "endpoints" else []))
            run = f" WHERE run_id = '{RUN}'" if mode == "append" else ""
            rows = [sorted(store.query(f"SELECT {text} FROM {table}{run}"), key=repr) for store in (left, right)]
            assert rows[0] and rows[0] == rows[1], f"{table} of {right.path}"


def test_shards_of_an_archive_need_a_date_and_no_filter(sluice, tmp_path, dice):
    """A filter's removal could be committed before an older line; in `append` there are none."""
    spread(tmp_path / "exports", endpoints(20), 2, dice)
    assert "--logical-date" in sluice.run(
        archive(sluice, "undated", tmp_path / "exports"), "--shard", "0/2"
    ).expect(64).message
    filtered = {"transforms": [{"type": "filter", "path": "ChannelType", "in": ["EMAIL"]}]}
    merging = archive(sluice, "merging", tmp_path / "exports", **filtered)
    assert "filter" in sluice.run(merging, "--shard", "0/2", *DATED).expect(78).message
    planned = sluice("plan", merging.file, "--shard", "0/2", "--logical-date", LOGICAL_DATE)
    assert planned.code == 78 and "filter" in planned.err
    appending = archive(sluice, "appending", tmp_path / "exports", sinks=NDJSON, **filtered)
    sluice.run(appending, "--shard", "0/2", *DATED).expect(0)
    masked = archive(sluice, "masked", tmp_path / "exports", transforms=[{"type": "drop", "paths": ["Address"]}])
    sluice.run(masked, "--shard", "0/2", *DATED).expect(0)

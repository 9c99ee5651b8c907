"""Nothing is written over what somebody else reads or writes, whatever way its place is spelled."""

import gzip
import json
import os
import sqlite3
import stat

import pytest
from support.archives import endpoint, line
from support.content import Store
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE, Pipeline
from test_outage import wait_for_commit

USERS = [f"user-{number:03d}" for number in range(60)]
DATED = ("--logical-date", LOGICAL_DATE)


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"{user}\n" for user in USERS))
    return path


def content(folder):
    """Each file below a folder with its bytes, each link with what it says."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            found[path] = os.readlink(path)
        elif stat.S_ISREG(kind):
            found[path] = path.read_bytes()
    return found


def refused(sluice, pipeline, words):
    """Every command that reads the pipeline says so, at a place in the file, and nothing is made or changed."""
    before = content(pipeline.folder)
    for command in ("validate", "run"):
        result = sluice(command, pipeline.file).expect(78)
        lines = [one for one in result.messages if words in one]
        assert len(lines) == 1 and lines[0].startswith(f"{pipeline.file}:"), result.err
        assert lines[0].split(":")[1].isdigit()
    assert content(pipeline.folder) == before


# MARK: Sinks and sources


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "archived"
    (folder / "exports/deep").mkdir(parents=True)
    (folder / "out").mkdir()
    (folder / "exports/a.gz").write_bytes(gzip.compress(line(endpoint(1))))
    (folder / "exports/to-out").symlink_to("../out")
    (folder / "linked").symlink_to("exports")

    def make(path, *sinks, **settings):
        source = {"type": "archive", "path": path}
        return Pipeline(folder, {"pipeline": "archived", "source": source, "sinks": list(sinks), **settings}).write()

    return make


def sink(path, kind="sqlite", **options):
    return {"type": kind, "path": path, **options}


@pytest.mark.parametrize(
    "path, place, kind",
    [
        ("exports", "exports/e.sqlite", "sqlite"),
        ("exports/", "./linked/deep/e.sqlite", "sqlite"),
        ("linked", "exports/lines", "ndjson"),
        ("exports", "exports", "ndjson"),
        ("exports", "out/e.sqlite", "sqlite"),
        ("exports/a.gz", "linked/a.gz", "sqlite"),
        ("exports/*.gz", "exports/out.gz", "sqlite"),
        ("linked/[a-z]*", "exports/out", "ndjson"),
        ("exports/**/*.gz", "exports/deep", "ndjson"),
        ("exports/*/*", "exports/deep/x", "sqlite"),
        ("*/a.gz", "exports/a.gz", "sqlite"),
        ("exports/archived-*/*/*.gz", "exports", "ndjson"),
    ],
)
def test_a_sink_in_what_an_archive_is_read_from(sluice, archive, path, place, kind):
    refused(sluice, archive(path, sink(place, kind)), "into what the source reads")


def test_what_an_archive_is_not_read_from(sluice, archive):
    """Neighbours, hidden names and names that the glob doesn't match."""
    for path, place, kind in [
        ("exports/*.gz", "exports/e.sqlite", "sqlite"),
        ("exports/*.gz", "exports/deep/e.gz", "sqlite"),
        ("exports/deep", "exports/e.sqlite", "sqlite"),
        ("exports/a.gz", "exports", "ndjson"),
        ("exports", ".out/e.sqlite", "sqlite"),
        ("exports/*.gz", "exports", "ndjson"),
    ]:
        sluice("validate", archive(path, sink(place, kind)).file).expect(0)
    pipeline = archive("exports/*.gz", sink("exports/e.sqlite"), report={"json": "exports/last.json"})
    sluice.run(pipeline).expect(0)
    assert Store(pipeline.folder / "exports/e.sqlite").count("endpoints") == 1


def test_the_database_of_the_users(sluice, tmp_path):
    database = tmp_path / "people.sqlite"
    with sqlite3.connect(database) as people:
        people.execute("CREATE TABLE people (id TEXT)")
    os.link(database, tmp_path / "again.sqlite")
    reader = {"type": "sqlite", "path": str(database), "query": "SELECT id FROM people"}
    for place in ("../people.sqlite", "../again.sqlite"):
        pipeline = sluice.pipeline("own", "http://127.0.0.1:1", reader, sinks=[sink(place)])
        refused(sluice, pipeline, "sink 'sqlite' writes into what the source reads")
        pipeline = sluice.pipeline("own", "http://127.0.0.1:1", reader, report={"json": place})
        refused(sluice, pipeline, "the report would go into what the source reads")
    for ending in ("-wal", "-shm", "-journal"):
        pipeline = sluice.pipeline("own", "http://127.0.0.1:1", reader, sinks=[sink("../people.sqlite" + ending)])
        refused(sluice, pipeline, "sink 'sqlite' writes into what the source reads")
        pipeline = sluice.pipeline("own", "http://127.0.0.1:1", reader, report={"json": "../people.sqlite" + ending})
        refused(sluice, pipeline, "the report would go into what the source reads")
    # What merely lies beside it is nobody's.
    pipeline = sluice.pipeline("own", "http://127.0.0.1:1", reader, sinks=[sink("../people.sqlite.copy")])
    sluice("validate", pipeline.file).expect(0)


def test_standard_input(sluice, tmp_path, users):
    """What a shell's `< users.txt` opens is known too."""
    reader = {"type": "file", "path": "-", "format": "lines"}
    pipeline = sluice.pipeline("piped", "http://127.0.0.1:1", reader, report={"json": "../users.txt"})
    before = users.read_bytes()
    with open(users, "rb") as stdin:
        result = sluice.start("run", pipeline.file, stdin=stdin).wait(20).expect(78)
    assert "the report would go into what the source reads" in result.message and users.read_bytes() == before


def test_two_sinks_at_one_place(sluice, tmp_path, users):
    folder = tmp_path / "twice"
    (folder / "out").mkdir(parents=True)
    (folder / "linked").symlink_to("out")
    (folder / "out/there.sqlite").touch()
    os.link(folder / "out/there.sqlite", folder / "hard.sqlite")
    for one, other, kind, words in [
        ("out/e.sqlite", "./out/../out/e.sqlite", "sqlite", "to the same place as sink 'first'"),
        ("out/e.sqlite", "linked/e.sqlite", "sqlite", "to the same place as sink 'first'"),
        ("out/there.sqlite", "hard.sqlite", "sqlite", "to the same place as sink 'first'"),
        ("out/e.sqlite", "out/e.sqlite-journal", "sqlite", "to a file that belongs to the database of sink 'first'"),
        ("out/e.sqlite", "linked", "ndjson", "to a folder that holds the place of sink 'first'"),
        ("out/e.sqlite", "linked/e.sqlite", "ndjson", "to the same place as sink 'first'"),
    ]:
        sinks = [sink(one, name="first"), sink(other, kind, name="second", mode="append")]
        refused(sluice, sluice.pipeline("twice", "http://127.0.0.1:1", users, sinks=sinks), f"sink 'second' writes {words}")


@pytest.mark.parametrize(
    "one, other",
    [
        ("postgresql://u:a@db.example:5432/d", "postgresql://v@DB.example/d?connect_timeout=5"),
        ("postgresql://u@localhost/d", "host=127.0.0.1 dbname=d user=u"),
        ("postgresql://u@localhost/d%64", "postgresql://u@[::1]:5432/dd"),
        ("host=x hostaddr=10.0.0.5 dbname=d", "postgresql://10.0.0.5/d"),
    ],
)
def test_one_schema_by_two_urls(sluice, users, one, other):
    def pipeline(schema):
        sinks = [{"type": "postgres", "name": "first", "url": one, "schema": "s"},
                 {"type": "postgres", "name": "second", "url": other, "schema": schema}]  # fmt: skip
        return sluice.pipeline("twice", "http://127.0.0.1:1", users, sinks=sinks)

    refused(sluice, pipeline("s"), "sink 'second' writes to the same place as sink 'first'")
    sluice("validate", pipeline("t").file).expect(0)


# MARK: The report


def test_a_report_over_other_places(sluice, users, tmp_path):
    for place, words in [
        ("../users.txt", "into what the source reads"),
        ("pipeline.yaml", "over the pipeline's own file"),
        ("./out/endpoints.sqlite", "to the same place as sink 'sqlite'"),
        ("out/endpoints.sqlite-wal", "to a file that belongs to the database of sink 'sqlite'"),
        ("out", "to a folder that holds the place of sink 'sqlite'"),
    ]:
        pipeline = sluice.pipeline("reported", "http://127.0.0.1:1", users, report={"json": place})
        refused(sluice, pipeline, f"the report would go {words}")


@pytest.mark.parametrize("command", ["run", "retry"])
@pytest.mark.parametrize("kind", ["text", "json", "list", "link", "dangling", "fifo", "folder", "device"])
def test_a_report_over_somebody_elses_file(sluice, scripted, users, tmp_path, kind, command):
    """Refused before anybody is asked for."""
    server = scripted(lambda request: endpoints(request.user))
    folder = tmp_path / "reported"
    folder.mkdir()
    place, target = folder / "last.json", tmp_path / "target"
    target.write_text(json.dumps({"run_id": "x", "sinks": []}))
    if kind == "link":
        place.symlink_to(target)
    elif kind == "dangling":
        place.symlink_to(tmp_path / "nothing")
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "device":
        try:
            os.mknod(place, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            place = "/dev/null"
    else:
        place.write_text({"text": "notes\n", "json": '{"run_id": "x"}', "list": "[]"}[kind])
    pipeline = sluice.pipeline("reported", server.url, users, report={"json": str(place)})
    before, mode = content(tmp_path / "reported"), os.lstat(place).st_mode
    result = sluice(command, pipeline.file).expect(73)
    assert "the report can't be written to" in result.message and not server.asked
    assert content(tmp_path / "reported") == before and os.lstat(place).st_mode == mode
    assert not (tmp_path / "nothing").exists() and "run_id" in target.read_text()


def test_what_appears_in_the_reports_place_during_the_run(sluice, scripted, users, tmp_path):
    place = tmp_path / "reported/last.json"

    def answer(request):
        place.write_text("precious\n")
        return endpoints(request.user)

    pipeline = sluice.pipeline("reported", scripted(answer).url, users, report={"json": "last.json"})
    result = sluice.run(pipeline, *DATED).expect(73)
    assert result.summary["state"] == "complete" and "report" in result.message
    assert place.read_text() == "precious\n" and sorted(path.name for path in place.parent.iterdir()) == [
        "last.json", "out", "pipeline.yaml"]  # fmt: skip


def test_an_earlier_report_and_an_empty_file_give_way(sluice, scripted, users, tmp_path):
    pipeline = sluice.pipeline(
        "reported", scripted(lambda request: endpoints(request.user)).url, users, report={"json": "last.json"})  # fmt: skip
    place = pipeline.folder / "last.json"
    place.touch()
    for _ in range(2):
        result = sluice.run(pipeline, "--fresh", *DATED).expect(0)
        assert place.read_text() == result.out


def test_a_call_that_lost_to_a_lock_writes_no_report(sluice, scripted, users):
    def slowly(request):
        answer = endpoints(request.user)
        answer.delay = 0.05
        return answer

    server = scripted(slowly)
    pipeline = sluice.pipeline(
        "reported", server.url, users, batch_size=10, concurrency=2, report={"json": "last.json"})  # fmt: skip
    first = sluice.start_run(pipeline, *DATED)
    wait_for_commit(first, pipeline)
    for command in ("run", "retry"):
        sluice(command, pipeline.file).expect(75)
        assert not (pipeline.folder / "last.json").exists()
    result = first.wait().expect(0)
    assert (pipeline.folder / "last.json").read_text() == result.out


# MARK: serve and demo


def test_serve_writes_over_its_own_files_alone(sluice, tmp_path):
    def serve(*options):
        return sluice("serve", "--synthetic", "--users", 300, "--files-only", *options)

    for option, name in [
        ("--ids", "ids"), ("--outcomes", "o.csv"), ("--archive", "a.ndjson"), ("--archive", "a.gz"), ("--ids", "i.gz"),
    ]:  # fmt: skip
        path = tmp_path / name
        serve(option, path).expect(0)
        made = path.read_bytes()
        # Its own file gives way, of another seed and number too, also one that was cut off, and an empty one.
        serve(option, path, "--seed", 9, "--users", 20).expect(0)
        serve(option, path).expect(0)
        path.write_bytes(made[: len(made) // 2 + 7])
        serve(option, path).expect(0)
        path.write_bytes(b"")
        serve(option, path).expect(0)
        assert path.read_bytes() == made
        plain = gzip.decompress(made) if name.endswith("gz") else made
        shown = plain.decode()
        for foreign in [
            "notes\n", "user-000001\nuser-000002\n", "user-000000\nuser-000007\n", "user_id\nuser-000000\n",
            shown.replace("user-0000", "user-9000", 1) if option != "--archive" else line(endpoint(1)).decode(),
            shown.split("\n")[0] + "\nnotes\n",
        ]:  # fmt: skip
            path.write_text(foreign)
            result = serve(option, path).expect(73)
            assert str(path) in result.message and "--force" in result.message and path.read_text() == foreign
        packed = gzip.compress(foreign.encode())
        path.write_bytes(packed)
        serve(option, path).expect(73)
        assert path.read_bytes() == packed
        link = tmp_path / f"link-{name}"
        link.symlink_to(path)
        serve(option, link).expect(73)
        serve(option, path, "--force").expect(0)
        assert path.read_bytes() == made
        # What a link leads to is somebody's too, where nothing is there as well as where it could be made again.
        serve(option, link).expect(73)
        link.unlink()
        link.symlink_to(tmp_path / "elsewhere")
        assert "symbolic link" in serve(option, link).expect(73).message and not (tmp_path / "elsewhere").exists()
        os.link(path, tmp_path / f"again-{name}")
        serve(option, path).expect(73)
    # An export that looks like it.
    path = tmp_path / "export.ndjson"
    lines = [{**endpoint(n), "User": {"UserId": f"user-{n:06d}"}} for n in range(4)]
    path.write_bytes(b"".join(line(one) for one in lines))
    serve("--archive", path).expect(73)
    assert path.read_bytes() == b"".join(line(one) for one in lines)


def test_serve_writes_all_or_none(sluice, tmp_path):
    (tmp_path / "archive").write_text("precious\n")
    files = ["--ids", tmp_path / "ids", "--archive", tmp_path / "archive", "--outcomes", tmp_path / "outcomes"]
    sluice("serve", "--synthetic", "--files-only", *files).expect(73)
    assert not (tmp_path / "ids").exists() and (tmp_path / "archive").read_text() == "precious\n"
    # One file can't be two of them.
    same = ["--ids", tmp_path / "same", "--archive", tmp_path / "same"]
    sluice("serve", "--synthetic", "--files-only", *same).expect(73)
    assert sluice("serve", "--synthetic", "--users", 2, "--files-only", "--ids", "/dev/stdout").expect(0).out == (
        "user-000000\nuser-000001\n"
    )


def test_the_demo_writes_over_its_own_files_alone(sluice, tmp_path):
    def demo(folder, *options):
        return sluice("demo", "--users", 30, "--directory", folder, *options)

    for name in ("users.txt", "demo.yaml", "endpoints.sqlite", "endpoints"):
        folder = tmp_path / f"other-{name}"
        folder.mkdir()
        (folder / name).write_text("precious\n")
        assert name in demo(folder).expect(73).message
        assert [path.name for path in folder.iterdir()] == [name] and (folder / name).read_text() == "precious\n"
    folder = tmp_path / "demo"
    demo(folder).expect(0)
    demo(folder).expect(0)
    # A pipeline that was changed is somebody's, and so are its tables.
    pipeline = folder / "demo.yaml"
    pipeline.write_text(pipeline.read_text().replace("application_id: demo", "application_id: mine"))
    before = content(folder)
    demo(folder).expect(73)
    assert content(folder) == before
    demo(folder, "--force").expect(0)
    assert "application_id: demo" in pipeline.read_text()
    sluice("demo", "--directory", "s3://bucket/demo").expect(64)


# MARK: What isn't read


@pytest.mark.limit(30)
def test_files_that_never_end(sluice, users, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for command in ("validate", "run", "preview", "status", "changes", "verify", "retry"):
        assert "it is a FIFO" in sluice(command, fifo, timeout=20).expect(66).err
    assert "it is a device" in sluice("validate", "/dev/zero", timeout=20).expect(66).err
    pipeline = sluice.pipeline("secret", "http://127.0.0.1:1", users, transforms=[
        {"type": "mask", "paths": ["Address"], "with": "hmac-sha256", "key": "${file:../fifo}"}])  # fmt: skip
    assert "'../fifo' can't be read: it is a FIFO" in sluice("validate", pipeline.file, timeout=20).expect(78).message


# MARK: What was left standing


def test_urls_and_placeholders(sluice, archive, users):
    refused(sluice, archive("s3://bucket/exports", sink("out/e.sqlite")), "'path' must be a path on this machine")
    refused(sluice, archive("exports", sink("s3://bucket/out", "ndjson")), "'path' must be a path on this machine")
    refused(sluice, archive("exports", sink("$OUT/e.sqlite")), "'path' holds a '$NAME'")
    for settings in ({"application_id": "<your-application>"}, {"region": "{{ region }}"}, {"region": "$AWS_REGION"}):
        pipeline = sluice.pipeline("left", "http://127.0.0.1:1", users, **settings)
        refused(sluice, pipeline, f"'{next(iter(settings))}' holds a")
    refused(sluice, sluice.pipeline("left", "http://$HOST:1", users), "'endpoint_url' holds a '$NAME'")
    sinks = [{"type": "postgres", "url": "postgresql://me:{{ password }}@db/d"}]
    refused(sluice, sluice.pipeline("left", "http://127.0.0.1:1", users, sinks=sinks), "'url' holds a '{{…}}'")


# MARK: What a merge goes by


@pytest.mark.parametrize("path", ["EffectiveDate", "*", ["EffectiveDate"]])
def test_newest_needs_its_date(sluice, archive, path):
    mask = {"type": "mask", "paths": ["Address", path], "with": "hmac-sha256", "key": "0123456789abcdef"}
    out = sink("out.sqlite")
    refused(sluice, archive("exports/*.gz", out, transforms=[mask]), "can't ")
    refused(sluice, archive("exports/*.gz", {**out, "transforms": [mask]}), "can't ")
    if path != "*":
        drop = {"type": "drop", "paths": [path]}
        refused(sluice, archive("exports/*.gz", out, transforms=[drop]), "can't hide 'EffectiveDate'")
        pipeline = archive("exports/*.gz", out, transforms=[drop])
        pipeline.document["source"]["conflict"] = "last"
        sluice.run(pipeline.write()).expect(0)
        assert Store(pipeline.folder / "out.sqlite").query("SELECT effective_date FROM endpoints") == [(None,)]


def test_keep_in_every_sink(sluice, archive):
    """Rows, `extra` and failures hold IDs, the date and what was named; the preview too."""
    keep = {"type": "keep", "paths": ["ChannelType", "Attributes.of"]}
    pipeline = archive("exports/*.gz", sink("out.sqlite"), {**sink("full.sqlite"), "name": "full"}, transforms=[])
    pipeline.document["sinks"][0]["transforms"] = [keep]
    (pipeline.folder / "exports/b.gz").write_bytes(
        gzip.compress(line(endpoint(2, New={"Name": "Jane"}, Location="Jane")) + line({"Id": 5, "Name": "Jane"}))
    )
    pipeline.document["limits"] = {"accept_failed": 1}
    shown = sluice("preview", pipeline.write().file, "--output", "json").expect(0).out
    assert "Jane" in shown
    sluice.run(pipeline).expect(0)
    store = Store(pipeline.folder / "out.sqlite")
    rows = store.query("SELECT address, channel_type, effective_date IS NOT NULL, extra FROM endpoints ORDER BY 1")
    assert rows == [(None, "EMAIL", 1, "{}")] * 2
    assert {row[0] for row in store.query("SELECT name FROM endpoint_attributes")} == {"of"}
    assert b"Jane" not in (pipeline.folder / "out.sqlite").read_bytes()
    assert b"Jane" in (pipeline.folder / "full.sqlite").read_bytes()

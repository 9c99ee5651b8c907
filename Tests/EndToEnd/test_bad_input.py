"""Faulty input becomes rows in `failures`, never a skipped or an invented user."""

import base64
import gzip
import subprocess
import zlib

import pytest
import zstandard
from support.content import Store, same_content
from support.readers import skippable
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user))


def run(sluice, server, tmp_path, data, name="users.txt", code=65, arguments=(), **reader):
    path = tmp_path / name
    path.write_bytes(data)
    options = {"type": "file", "path": str(path), **reader}
    pipeline = sluice.pipeline("bad-input", server.url, options)
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE, *arguments).expect(code)
    return Store(pipeline.database), result


def asked_for(store):
    """The users in input order, as (ordinal, ID)."""
    return store.query("SELECT ordinal, user_id FROM users ORDER BY ordinal")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_lines(sluice, server, tmp_path, pack):
    data = b"anna\n\n.\nbert\r\n..\n\xff\xfe\n  carla \n\r\nd\xc3\xb6rte\n\xed\xa0\x80\nemil"
    store, result = run(
        sluice, server, tmp_path, pack(data), name="users.txt.gz" if pack is gzip.compress else "users.txt"
    )
    # Blank lines are no records; IDs aren't trimmed; a last line needs no line break.
    assert asked_for(store) == [(0, "anna"), (2, "bert"), (5, "  carla "), (6, "dörte"), (8, "emil")]
    # What isn't text stands there as base64.
    assert store.failures("ordinal", "line", "code", "raw", "attempts") == [
        (1, 3, "InvalidUserId", ".", 0),
        (3, 5, "InvalidUserId", "..", 0),
        (4, 6, "InvalidEncoding", base64.b64encode(b"\xff\xfe").decode(), 0),
        (7, 10, "InvalidEncoding", base64.b64encode(b"\xed\xa0\x80").decode(), 0),
    ]
    assert set(server.asked) == {"anna", "bert", "  carla ", "dörte", "emil"}
    assert (result.summary["records"], result.summary["found"], result.summary["failed"]) == (9, 5, 4)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_csv(sluice, server, tmp_path, pack):
    data = (
        b"name,user_id,city\r\n"
        b"Anna,anna,Kiel\r\n"
        b"\r\n"
        b"Bert,,Bonn\r\n"  # line 4: an empty ID
        b"Carla\r\n"  # 5: too few fields
        b'"Doe, Dora","d ""the"" doe","Ulm\nand around"\r\n'  # 6 and 7: quotes, commas, a line break
        b"Emil,e\xff,Jena\r\n"  # 8: not UTF-8
        b"Frida,..,Hof\r\n"  # 9
        b"Gert, Jr.,gert,Trier\r\n"  # 10: more fields than the header, so one of them isn't what it seems
        b"Greta,greta,Ulm,,\r\n"  # 11: empty ones are no harm
        b'Hanna,"hanna,Gera\r\n'  # 12: the quote is never closed
        b"Ida,ida,Suhl\r\n"
    )
    name = "users.csv.gz" if pack is gzip.compress else "users.csv"
    store, result = run(sluice, server, tmp_path, pack(data), name=name, column="user_id")
    # What follows the open quote is in it: one failure, and no line of it is taken for a user.
    assert asked_for(store) == [(0, "anna"), (3, 'd "the" doe'), (7, "greta")]
    assert set(server.asked) == {"anna", 'd "the" doe', "greta"}
    assert store.failures("ordinal", "line", "code") == [
        (1, 4, "EmptyUserId"),
        (2, 5, "MissingField"),
        (4, 8, "InvalidEncoding"),
        (5, 9, "InvalidUserId"),
        (6, 10, "SurplusFields"),
        (8, 12, "UnterminatedQuote"),
    ]
    assert result.summary["records"] == 9
    assert all(path.endswith(name) for (path,) in store.failures("source_file"))


def test_a_quoted_field_that_is_long(sluice, server, tmp_path):
    """A note of 3,000 lines belongs to one row."""
    note = b"dear customer, we have called you\n" * 3000
    data = b'note,user_id\n"' + note + b'",anna\nshort,bert\n'
    store, _ = run(sluice, server, tmp_path, data, name="users.csv", code=0, column="user_id")
    assert asked_for(store) == [(0, "anna"), (1, "bert")] and set(server.asked) == {"anna", "bert"}


def test_a_quoted_field_that_is_too_long(sluice, server, tmp_path):
    """A quote that isn't closed within 16 MiB stops the run, which goes on once it is corrected."""
    path = tmp_path / "users.csv"
    data = b'user_id,note\nanna,\nbert,"\n' + b"a-rather-long-user-id-%08d,\n" % 1 * (17 * 2**20 // 32)
    path.write_bytes(data)
    pipeline = sluice.pipeline(
        "long", server.url, {"type": "file", "path": str(path), "column": "user_id"}, batch_size=1
    )
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(66)
    assert "line 3" in result.message and "16 MiB" in result.message
    assert asked_for(Store(pipeline.database)) == [(0, "anna")] and set(server.asked) == {"anna"}
    assert result.peak_mebibytes < 100, "the field isn't held"
    path.write_bytes(b"user_id,note\nanna,\nbert,\n")
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert asked_for(Store(pipeline.database)) == [(0, "anna"), (1, "bert")]


@pytest.mark.parametrize("form", ["lines", "csv", "ndjson", "standard input"])
def test_lines_of_every_kind_and_joined_files(sluice, server, tmp_path, form):
    """Lines end with CR, too; marks where files were joined are no part of an ID. And so it is when the run resumes."""
    ids = [f"user-{number:05d}" for number in range(600)]
    records = [f'{{"id": "{identity}"}}' if form == "ndjson" else identity for identity in ids]
    parts = [records[:200], records[200:400], records[400:]]
    marks = ["\ufeff", "\ufeff\x1a", "\x1a"]
    text = "".join(mark + "\r".join(part) + end for mark, part, end in zip(marks, parts, ["\r", "\r\n", "\x1a"], strict=True))
    path = tmp_path / "users"
    path.write_bytes(text.encode())
    options = {"type": "file", "path": "-" if form == "standard input" else str(path)}
    options |= {"format": "lines" if form == "standard input" else form}
    if form == "csv":
        options |= {"column": 1, "header": False, "separator": ","}
    if form == "ndjson":
        options |= {"column": "id"}
    pipeline = sluice.pipeline("joined", server.url, options, batch_size=100, concurrency=1)

    def start(*arguments, **more):
        with open(path, "rb") as file:
            return sluice.run(pipeline, "--logical-date", LOGICAL_DATE, *arguments, stdin=file, **more)

    start(environment={"SLUICE_FAILPOINT": "sqlite.prepare.before-transaction#4=kill"}).expect(-9)
    assert start().expect(0).summary["resumed_from"] == 300
    store = Store(pipeline.database)
    assert asked_for(store) == list(enumerate(ids)) and set(server.asked) == set(ids)


def test_a_column_by_its_number(sluice, server, tmp_path):
    """Whether its first row is a user has to be said."""
    (tmp_path / "users.csv").write_bytes(b"user-000001\nuser-000002\n")
    options = {"type": "file", "path": str(tmp_path / "users.csv"), "column": 1}
    pipeline = sluice.pipeline("number", server.url, options)
    result = sluice.run(pipeline).expect(78)
    # A mapping begins with its first key.
    line = next(n for n, text in enumerate(pipeline.file.read_text().splitlines(), 1) if '"users"' in text)
    assert f"pipeline.yaml:{line + 1}:" in result.err and "'header'" in result.err, result.err
    assert not server.asked


def test_csv_without_a_header(sluice, server, tmp_path):
    store, _ = run(sluice, server, tmp_path, b"1,anna\n2,bert\n", name="users.csv", code=0, column="2", header=False)
    assert asked_for(store) == [(0, "anna"), (1, "bert")]


def test_csv_from_a_spreadsheet(sluice, server, tmp_path):
    """A byte order mark is no part of the first column's name."""
    store, _ = run(
        sluice,
        server,
        tmp_path,
        b"\xef\xbb\xbfuser_id,city\r\nanna,Kiel\r\n",
        name="users.csv",
        code=0,
        column="user_id",
    )
    assert asked_for(store) == [(0, "anna")]


def test_a_column_that_is_not_there(sluice, server, tmp_path):
    _, result = run_only(sluice, server, tmp_path, b"id,city\nanna,Kiel\n", "users.csv", column="user_id")
    assert result.code in (66, 78), result.err
    assert "user_id" in result.message
    assert not server.asked


def run_only(sluice, server, tmp_path, data, name, **reader):
    path = tmp_path / name
    path.write_bytes(data)
    pipeline = sluice.pipeline("bad-input", server.url, {"type": "file", "path": str(path), **reader})
    return pipeline, sluice.run(pipeline, "--logical-date", LOGICAL_DATE)


def test_an_empty_input(sluice, server, tmp_path):
    """A run over nothing doesn't pass for one over everything."""
    _, result = run_only(sluice, server, tmp_path, b"\n\n", "users.txt")
    assert result.code == 76, result.err
    assert "min_records" in result.message
    _, result = run_only(sluice, server, tmp_path, b"\n\n", "users.txt")
    assert result.code == 76


def test_an_empty_input_that_is_accepted(sluice, server, tmp_path):
    _, result = run(sluice, server, tmp_path, b"", code=0, arguments=["--accept", "empty"])
    assert result.summary["records"] == 0 and result.summary["state"] == "complete"


def test_accepted_failures(sluice, server, tmp_path):
    (tmp_path / "users.txt").write_bytes(b"anna\n.\nbert\n")
    pipeline = sluice.pipeline("accepted", server.url, tmp_path / "users.txt", limits={"accept_failed": 1})
    assert sluice.run(pipeline).expect(0).summary["failed"] == 1


def test_the_brake(sluice, server, tmp_path):
    """More failures than `max_failed` stop the run in front of the commit that would pass the limit."""
    lines = [b"user-%05d" % number for number in range(3000)]
    for number in range(2000, 2100):
        lines[number] = b".."
    (tmp_path / "users.txt").write_bytes(b"\n".join(lines))
    pipeline = sluice.pipeline("brake", server.url, tmp_path / "users.txt", batch_size=100)
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(76)
    assert "max_failed" in result.message
    store = Store(pipeline.database)
    # 2,000 records without a failure, then a batch of nothing else: 100 of 2,100 is more than 1 %.
    assert (store.count("users"), store.count("failures"), store.next_ordinal) == (2000, 0, 2000)
    assert sluice.run(pipeline).code == 76, "the brake holds until somebody decides"
    result = sluice.run(pipeline, "--accept", "failed").expect(65)
    assert (result.summary["found"], result.summary["failed"]) == (2900, 100)
    assert result.summary["resumed_from"] == 2000


def checked_zstd(data):
    """In frames, as what is cut off within a block has nothing of it."""
    packer = zstandard.ZstdCompressor(write_checksum=True)
    return b"".join(packer.compress(data[start : start + 4000]) for start in range(0, len(data), 4000))


@pytest.mark.parametrize("pack", [gzip.compress, checked_zstd], ids=["gzip", "zstd"])
@pytest.mark.parametrize("fault", ["truncated", "corrupt"])
def test_a_broken_compressed_file(sluice, server, tmp_path, fault, pack):
    """The whole batches before the fault are committed; the repaired file is read on from there."""
    lines = [b"user-%06d-%08x" % (number, zlib.crc32(b"%d" % number)) for number in range(5000)]
    whole = pack(b"\n".join(lines) + b"\n")
    path = tmp_path / ("users.txt.gz" if pack is gzip.compress else "users.txt.zst")
    if fault == "truncated":
        path.write_bytes(whole[: len(whole) * 2 // 3])
    else:
        # gzip's last bytes are the checksum and the length, zstd's the checksum.
        path.write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:] if pack is gzip.compress else whole[:-4] + b"\0\0\0\0")
    pipeline = sluice.pipeline("broken", server.url, path, batch_size=100)
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(66)
    assert path.name in result.message and "line" in result.message
    assert f"{'gzip' if pack is gzip.compress else 'zstd'} data" in result.message
    store = Store(pipeline.database)
    committed = store.next_ordinal
    assert committed > 2000 and committed % 100 == 0 and store.count("users") == committed
    assert store.run_states == ["running"]

    path.write_bytes(whole)
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert result.summary["resumed_from"] == committed and result.summary["found"] == 5000
    plain = tmp_path / "users.txt"
    plain.write_bytes(b"\n".join(lines) + b"\n")
    reference = sluice.pipeline("whole", server.url, plain, batch_size=100)
    sluice.run(reference, "--logical-date", LOGICAL_DATE).expect(0)
    same_content(Store(pipeline.database), Store(reference.database))


def test_gzip_members_in_a_row(sluice, server, tmp_path):
    """`cat a.gz b.gz` is a gzip file too, and its name says nothing."""
    data = gzip.compress(b"anna\nbe") + gzip.compress(b"rt\n") + gzip.compress(b"") + gzip.compress(b"carla\n")
    store, _ = run(sluice, server, tmp_path, data, name="users.txt", code=0)
    assert asked_for(store) == [(0, "anna"), (1, "bert"), (2, "carla")]


def test_zstd_frames_in_a_row(sluice, server, tmp_path):
    """`cat a.zst b.zst` is a zstd file too, and its name says nothing; what is set aside in it is passed over."""
    first, *rest = [zstandard.compress(part) for part in (b"anna\nbe", b"rt\n", b"", b"carla\n")]
    data = skippable(b"x" * 70_000, 7) + first + skippable(b"") + b"".join(rest) + skippable(b"end", 15)
    store, _ = run(sluice, server, tmp_path, data, name="users.txt.gz", code=0)
    assert asked_for(store) == [(0, "anna"), (1, "bert"), (2, "carla")]


def test_zstd_that_asks_for_too_much_memory(sluice, server, tmp_path):
    """What `zstd --long=31` writes of a stream: one clear error, before anybody is asked for."""
    packed = subprocess.run(["zstd", "-c", "--long=31"], input=b"anna\n", capture_output=True, check=True).stdout
    # The window's size stands behind the descriptor, which says that there is one, and a checksum.
    assert packed[4] == 4
    window = b"\x28\xb5\x2f\xfd\x04" + bytes([(31 - 10) << 3]) + packed[6:]
    _, result = run(sluice, server, tmp_path, window, name="users.txt.zst", code=66)
    assert "users.txt.zst can't be unpacked within 128 MiB of memory: it asks for 2048 MiB" in result.message
    assert "zstd -d --long=31 FILE" in result.err and not server.asked


def test_unusual_ids_reach_the_table_unchanged(sluice, server, tmp_path):
    ids = ["a/b", "a b", "a+b", "a%2Fb", "jane@example.com", "ünï", "#:?\\", "a//b", "…", "x" * 1000, "-", "'; DROP"]
    store, _ = run(sluice, server, tmp_path, "\n".join(ids).encode() + b"\n", code=0)
    assert [user for _, user in asked_for(store)] == ids
    assert set(server.asked) == set(ids)


def test_a_user_that_stands_twice(sluice, server, tmp_path):
    """Both records are accounted for; the content is that of one."""
    store, result = run(sluice, server, tmp_path, b"anna\nbert\nanna\n", code=0)
    assert (result.summary["records"], result.summary["found"]) == (3, 3)
    assert sorted(user for _, user in asked_for(store)) == ["anna", "bert"]
    assert store.count("endpoints") == 2
    assert result.summary["superseded"] >= 0

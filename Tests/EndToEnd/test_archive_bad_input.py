"""Archives that aren't as they should be: each record is accounted for, and nothing is passed over in silence."""

import base64
import contextlib
import gzip
import json
import os
import sqlite3
import threading

import pytest
import zstandard
from support.archives import archive, endpoint, endpoints, line, spread
from support.content import Store
from support.sluice import APPLICATION, LOGICAL_DATE

DATED = ("--logical-date", LOGICAL_DATE)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


def run(sluice, path, code, *arguments, name="bad", **settings):
    """Runs; checks that the account balances and that the store says the same."""
    pipeline = archive(sluice, name, path, **settings)
    result = sluice.run(pipeline, *DATED, *arguments).expect(code)
    summary = result.summary
    assert summary["records"] == summary["found"] + summary["absent"] + summary["failed"] and summary["absent"] == 0
    store = Store(pipeline.database)
    assert store.count("failures") == summary["failed"]
    return store, result


def refused(sluice, path, code, *words, **settings):
    result = sluice.run(archive(sluice, "refused", path, **settings), *DATED).expect(code)
    for word in words:
        assert word in result.message, result.message
    return result


def ids(store):
    """The numbers of the endpoints."""
    rows = store.query("SELECT endpoint_id FROM endpoints ORDER BY 1")
    return [int(identity.removeprefix("endpoint-")) for (identity,) in rows]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_lines_that_are_no_endpoints(sluice, tmp_path, pack):
    bad = {
        3: (b"this is no JSON", "MalformedRecord"),
        5: (b'{"Id": "x", "Address": "cut o', "MalformedRecord"),
        6: (b'{"Id":"other","ApplicationId":"ffffffffffffffffffffffffffffffff"}', "WrongApplication"),
        8: (b'[{"Id":"in a list"}]', "MalformedRecord"),
        9: (b'"a text"', "MalformedRecord"),
        10: (b'{"Item": 5}', "MalformedRecord"),
        11: (b'{"Item":[{"Id":"a"},{"Id":"b","ApplicationId":"other"}]}', "WrongApplication"),
        12: (b'{"Address":"no Id"}', "UnstorableKey"),
        13: (b"\xff\xfe\x00", "MalformedRecord"),
        14: (b'{"Id":"two"} {"Id":"values"}', "MalformedRecord"),
    }
    texts = {number: bad[number][0] + b"\n" if number in bad else line(endpoint(number)) for number in range(1, 17)}
    # Lines of nothing are no records, and still lines.
    data = b"\n\n" + b"".join(texts[number] for number in range(1, 17)) + b"\n \n"
    path = tmp_path / ("export.json.gz" if pack is gzip.compress else "export.json")
    path.write_bytes(pack(data))
    store, result = run(sluice, path, 65)
    assert (result.summary["records"], result.summary["failed"]) == (16, len(bad))
    assert ids(store) == [number for number in range(1, 17) if number not in bad]
    failures = store.failures("ordinal", "line", "code", "source_file", "message", "user_id")
    assert [row[:3] for row in failures] == [(number - 1, number + 2, code) for number, (_, code) in sorted(bad.items())]
    for ordinal, number, code, file, message, user in failures:
        assert file.endswith(path.name) and user is None
        assert code == "UnstorableKey" or message.startswith(f"line {number}: "), (ordinal, message)
    # What isn't JSON can be read in the failure, and nothing of it in the log.
    raw = dict(store.failures("line", "raw"))
    assert raw[5] == "this is no JSON" and raw[15] == base64.b64encode(b"\xff\xfe\x00").decode()
    assert "this is no JSON" not in result.err + result.out


def test_without_an_application(sluice, tmp_path):
    """Where lines carry it, nothing else has to say it; where one doesn't, that one fails."""
    path = tmp_path / "export.json"
    lines = [endpoint(1, ApplicationId="one"), endpoint(2, ApplicationId="two"), endpoint(3, ApplicationId=None)]
    path.write_bytes(b"".join(map(line, lines)))
    pipeline = archive(sluice, "bad", path)
    del pipeline.document["source"]["application_id"]
    summary = sluice.run(pipeline.write(), *DATED).expect(65).summary
    assert (summary["records"], summary["found"], summary["failed"]) == (3, 2, 1)
    store = Store(pipeline.database)
    assert store.query("SELECT application_id FROM endpoints ORDER BY 1") == [("one",), ("two",)]
    assert store.failures("line") == [(3,)]


def checked_zstd(data):
    """In frames, as what is cut off within a block has nothing of it."""
    packer = zstandard.ZstdCompressor(write_checksum=True)
    return b"".join(packer.compress(data[start : start + 4000]) for start in range(0, len(data), 4000))


@pytest.mark.parametrize("pack", [gzip.compress, checked_zstd], ids=["gzip", "zstd"])
@pytest.mark.parametrize("how", ["truncated", "checksum", "garbage behind"])
def test_a_damaged_file(sluice, tmp_path, how, pack):
    """It fails from there on, with its line; the files behind it are read."""
    lines = endpoints(900)
    folder = tmp_path / "exports"
    # Names say nothing.
    spread_names = ["1.gz", "2.gz", "3.gz"]
    folder.mkdir()
    for number, name in enumerate(spread_names):
        (folder / name).write_bytes(pack(b"".join(lines[number * 300 : number * 300 + 300])))
    whole = (folder / "2.gz").read_bytes()
    if how == "truncated":
        (folder / "2.gz").write_bytes(whole[: len(whole) // 2])
    elif how == "checksum":
        broken = whole[:-8] + b"\0\0\0\0" + whole[-4:] if pack is gzip.compress else whole[:-4] + b"\0\0\0\0"
        (folder / "2.gz").write_bytes(broken)
    else:
        (folder / "2.gz").write_bytes(whole + b"\x1f\x8b\x08 and then nonsense")
    store, result = run(sluice, folder, 65)
    found = ids(store)
    assert found[:300] == list(range(300)) and found[-300:] == list(range(600, 900)), "the other files are read"
    middle = [number for number in found if 300 <= number < 600]
    assert middle == list(range(300, 300 + len(middle)))
    assert len(middle) == 300 if how != "truncated" else 0 < len(middle) < 300
    [(code, file, number, message)] = store.failures("code", "source_file", "line", "message")
    assert code == "DamagedFile" and file.endswith("2.gz")
    assert len(middle) <= number <= len(middle) + 1 and message.startswith(f"line {number}: ")
    assert result.summary["records"] == len(found) + 1


def test_a_png_among_the_files(sluice, tmp_path, dice):
    """It is evidently something else: a word in the log, and nothing else. So is a name that begins with a dot."""
    folder = tmp_path / "exports"
    spread(folder, endpoints(50), 3, dice)
    (folder / "logo.gz").write_bytes(PNG)
    (folder / "packed.gz").write_bytes(gzip.compress(PNG))
    (folder / ".hidden").write_bytes(b"nonsense")
    (folder / "empty.json").write_bytes(b"")
    store, result = run(sluice, folder, 0)
    assert result.summary["records"] == 50 and ids(store) == list(range(50))
    assert result.summary["files"] == {"read": 3, "left_out": 4}
    warnings = [text for text in result.err.splitlines() if "PNG" in text]
    assert len(warnings) == 2 and "logo.gz" in warnings[0] and "packed.gz" in warnings[1], result.err
    assert all("warning" in text.lower() for text in warnings)
    hidden = [text for text in result.err.splitlines() if "hidden" in text]
    assert len(hidden) == 1 and hidden[0].endswith(".hidden is left out: its name begins with a dot"), result.err


def test_every_form_of_an_export(sluice, tmp_path):
    """Lists, saved answers and spreadsheets give their endpoints; what can't be read is one failure each."""
    folder = tmp_path / "exports"
    folder.mkdir()
    made = [endpoint(number) for number in range(12)]
    table = "".join(f"{document['Id']}, {document['Address']}\r\n" for document in made[8:10])
    forms = {
        "a.json": json.dumps(made[:2]).encode(),
        "b.json": json.dumps({"EndpointsResponse": {"Item": made[2:4]}}, indent=4).encode(),
        "c.json": json.dumps({"Item": made[4:6]}, indent=1).encode("utf-16"),
        "d.json": b"".join(b"\x1e" + line(document) for document in made[6:8]),
        "e.csv": ("sep=,\r\nid, address\r\n" + table).encode("utf-16"),
        "f.json": b"\r".join(line(document).strip() for document in made[10:]),
        "g.zip": b"PK\x03\x04 and more",
        "_SUCCESS": b"",
        "stray.txt": b"some notes",
    }
    for name, data in forms.items():
        (folder / name).write_bytes(data)
    (folder / "lost.gz").symlink_to(tmp_path / "nowhere")
    (folder / "round").symlink_to("round")
    store, result = run(sluice, folder, 65)
    assert ids(store) == list(range(12))
    assert result.summary["files"] == {"read": 6, "left_out": 2}
    failures = dict(store.failures("source_file", "message"))
    assert [name.split("/")[-1] for name in sorted(failures)] == ["g.zip", "lost.gz", "stray.txt"]
    assert set(store.failures("code")) == {("UnreadableFile",)}
    assert "unzip it" in next(text for name, text in failures.items() if name.endswith("g.zip"))
    settings = {"source": {"exclude": ["*.zip", "lost*", "round"], "include": ["*.json", "*.csv", "*.zip"]}}
    store, result = run(sluice, folder, 0, name="chosen", **settings)
    assert ids(store) == list(range(12)) and result.summary["files"] == {"read": 6, "left_out": 5}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_png_by_name(sluice, tmp_path, pack):
    (tmp_path / "logo.json").write_bytes(pack(PNG))
    refused(sluice, tmp_path / "logo.json", 66, "logo.json", "PNG")


def test_nothing_but_a_png(sluice, tmp_path):
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "logo.png").write_bytes(PNG)
    refused(sluice, tmp_path / "exports", 66, "exports")


@pytest.mark.parametrize("what", ["an empty folder", "nothing", "a broken link", "no match"])
def test_nothing_to_read(sluice, tmp_path, what):
    path = tmp_path / "exports"
    word = "exports"
    if what == "an empty folder":
        path.mkdir()
    elif what == "a broken link":
        path.symlink_to(tmp_path / "nowhere")
    elif what == "no match":
        path.mkdir()
        (path / "good.json").write_bytes(b"".join(endpoints(5)))
        path = path / "*.gz"
        word = "*.gz"
    refused(sluice, path, 66, word)


def test_links_folders_and_globs(sluice, tmp_path, dice):
    """Links are followed, also in circles; a glob takes what it names, in the order of names."""
    lines = endpoints(60)
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "b.json").write_bytes(b"".join(lines[20:40]))
    folder = tmp_path / "exports"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.json").write_bytes(b"".join(lines[:20]))
    (folder / "b").symlink_to(other)
    (folder / "deep" / "c.json").write_bytes(b"".join(lines[40:]))
    (folder / "deep" / "round").symlink_to(folder)
    store, _ = run(sluice, folder, 0)
    assert store.query("SELECT endpoint_id FROM endpoints ORDER BY ordinal") == [
        (f"endpoint-{number:06d}",) for number in range(60)
    ]
    store, _ = run(sluice, f"{folder}/*/*.json", 0, name="glob")
    assert ids(store) == list(range(20, 60))


def test_an_empty_archive(sluice, tmp_path):
    (tmp_path / "empty.json").write_bytes(b"")
    refused(sluice, tmp_path / "empty.json", 76, "min_records")


# Files that change ---------------------------------------------------------------------------------------------------


def killed(sluice, folder, **settings):
    """A pipeline whose run was killed after 300 records."""
    pipeline = archive(sluice, "killed", folder, batch_size=100, **settings)
    plan = {"SLUICE_FAILPOINT": "sqlite.commit.before#4=kill"}
    result = sluice.run(pipeline, *DATED, environment=plan)
    if result.code == 0:
        pytest.skip("this program was built without the trait Failpoints")
    assert result.code == -9 and Store(pipeline.database).consumed == 300
    return pipeline


def halves(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    lines = endpoints(1000)
    (folder / "1.json").write_bytes(b"".join(lines[:200]))
    (folder / "2.json").write_bytes(b"".join(lines[200:]))
    return folder, lines


def test_a_file_that_changed_before_a_resume(sluice, tmp_path):
    folder, lines = halves(tmp_path)
    pipeline = killed(sluice, folder)
    before = (folder / "1.json").read_bytes()
    (folder / "1.json").write_bytes(before.replace(b"a-7-0@", b"b-7-0@"))
    result = sluice.run(pipeline, *DATED).expect(66)
    assert "--fresh" in result.message or "on_changed_input" in result.message
    assert Store(pipeline.database).consumed == 300
    # A file more in front changes everything behind.
    (folder / "1.json").write_bytes(before)
    (folder / "0.json").write_bytes(line(endpoint(5000)))
    sluice.run(pipeline, *DATED).expect(66)
    (folder / "0.json").unlink()
    # What comes behind may be new: it belongs to the run.
    (folder / "2.json").write_bytes(b"".join(lines[200:700]))
    (folder / "3.json.gz").write_bytes(gzip.compress(b"".join(lines[700:])))
    summary = sluice.run(pipeline, *DATED).expect(0).summary
    assert (summary["records"], summary["resumed_from"]) == (1000, (1 << 32) + 100)
    assert ids(Store(pipeline.database)) == list(range(1000))


def test_the_same_lines_in_another_form(sluice, tmp_path):
    """A finished file is known by its name and its size as well; the one under way by its records alone."""
    folder, _ = halves(tmp_path)
    pipeline = killed(sluice, folder)
    for name, code in (("1.json", 66), ("2.json", 0)):
        kept = (folder / name).read_bytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(kept))
        (folder / name).unlink()
        result = sluice.run(pipeline, *DATED).expect(code)
        if code:
            (folder / f"{name}.gz").unlink()
            (folder / name).write_bytes(kept)
    assert result.summary["resumed_from"] == (1 << 32) + 100
    assert ids(Store(pipeline.database)) == list(range(1000))


def test_a_changed_archive_that_may(sluice, tmp_path):
    folder, lines = halves(tmp_path)
    pipeline = killed(sluice, folder)
    (folder / "1.json").write_bytes(b"".join(lines[100:200]))
    pipeline.document["on_changed_input"] = "restart"
    summary = sluice.run(pipeline.write(), *DATED).expect(0).summary
    assert (summary["records"], summary["resumed_from"]) == (900, None)
    assert sorted(Store(pipeline.database).run_states) in (["abandoned", "complete"], ["complete"])


@pytest.mark.limit(60)
@pytest.mark.parametrize("how", ["another file", "cut off"])
def test_a_file_that_is_replaced_while_it_is_read(sluice, tmp_path, how):
    """The reader notices at the file's end: the run stops, and goes on when the file is what it was."""
    folder = tmp_path / "exports"
    folder.mkdir()
    # Far more than is read ahead of a commit.
    padding = "p" * 500
    lines = [line(endpoint(number, padding=padding)) for number in range(6000)]
    path = folder / "1.json"
    path.write_bytes(b"".join(lines))
    pipeline = archive(sluice, "replaced", folder, batch_size=50)
    process = sluice.start_run(pipeline, *DATED)
    wait_for(lambda: process.poll() or Store(pipeline.database).consumed >= 300)
    assert process.poll() is None, f"too fast for this test: {process.poll().err}"
    if how == "another file":
        (folder / ".new").write_bytes(b"".join(lines[:3]))
        os.replace(folder / ".new", path)
    else:
        os.truncate(path, 100)
    result = process.wait().expect(66)
    assert "1.json" in result.message and "replaced" in result.message, result.message
    store = Store(pipeline.database)
    committed = store.consumed
    assert committed % 50 == 0 and store.run_states == ["running"]
    path.write_bytes(b"".join(lines))
    summary = sluice.run(pipeline, *DATED).expect(0).summary
    assert (summary["records"], summary["resumed_from"]) == (6000, committed)


def wait_for(condition, seconds=20):
    stop = threading.Event()
    for _ in range(int(seconds / 0.01)):
        # The tables may not be there yet.
        with contextlib.suppress(sqlite3.Error, IndexError):
            if condition():
                return
        stop.wait(0.01)
    raise AssertionError("it didn't come to that")


# Import files --------------------------------------------------------------------------------------------------------


def test_rows_that_are_no_endpoints(sluice, tmp_path):
    path = tmp_path / "import.csv"
    path.write_bytes(
        b"\xef\xbb\xbfId,Address,User.UserId,Attributes.x,Attributes.x\r\n"
        b"e-1,a,u,1,2\r\n"
        b"e-2,b\r\n"  # line 3: too few fields
        b",c,u,,\r\n"  # 4: no Id
        b'e-4,"d\nd",u,,\r\n'  # 5 and 6
        b"e-5,\xff,u,,\r\n"  # 7: not UTF-8
        b"e-6,g,u,1,2\r\n"  # 8
        b'"e-7,open,u,,\r\n'  # 9: never closed
        b"e-8,h,u,1,2\r\n"
    )
    store, result = run(sluice, path, 65)
    assert [row[0] for row in store.query("SELECT endpoint_id FROM endpoints ORDER BY ordinal")] == ["e-1", "e-4", "e-6"]
    failures = store.failures("ordinal", "line", "code")
    assert [row[:2] for row in failures] == [(1, 3), (2, 4), (4, 7), (6, 9)]
    assert [row[2] for row in failures] == ["MalformedRecord", "UnstorableKey", "InvalidEncoding", "UnterminatedQuote"]
    assert result.summary["records"] == 7


@pytest.mark.parametrize(
    ("name", "text", "found", "line", "code"),
    [
        # Lines in a quoted field are no rows, however long the row is that holds it.
        ("long", "Id,Address,Attributes.n,Attributes.m\ne-1,a,b,c\n"
         + 'e-2,"{0}","{0}",c\ne-3,c,d,e\n'.format("".join(f"evil{n},x,y\n" for n in range(700_000))),
         ["e-1"], 3, "MalformedRecord"),
        ("plain", "Id,Address\ne-1,a\ne-2,\"b\nevil,b\n\"" + "x" * (2 << 20) + "\nevil,c\n", ["e-1"], 3,
         "MalformedRecord"),
        # A quote that isn't closed, and one of a later row that seems to close it.
        ("swallowed", 'Id,ChannelType,Attributes.n\ne-0,SMS,z\ne-1,"SMS,c\ne-2,EMAIL,x\ne-3,"EMAIL",y\ne-4,SMS,z\n',
         ["e-0"], 3, "UnterminatedQuote"),
        # Two files that were joined.
        ("joined", "Id,Address\ne-1,a\nId,Address\ne-2,b\nAddress,Id\nc,e-3\n", ["e-1", "e-2"], 5, "MalformedRecord"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)  # fmt: skip
def test_what_may_not_be_taken_for_rows(sluice, tmp_path, name, text, found, line, code):
    path = tmp_path / "import.csv"
    path.write_text(text)
    store, result = run(sluice, path, 65)
    assert [row[0] for row in store.query("SELECT endpoint_id FROM endpoints ORDER BY ordinal")] == found
    assert store.failures("line", "code") == [(line, code)]


def test_nothing_of_a_record_is_printed(sluice, tmp_path):
    """Personal data stands in the store alone."""
    path = tmp_path / "export.json"
    texts = [b'{"Id":"e","Address":"jane.secret@example.com"', json.dumps({"Item": "jane.secret"}).encode()]
    path.write_bytes(b"\n".join(texts))
    pipeline = archive(sluice, "quiet", path)
    result = sluice.run(pipeline, *DATED, "--log-level", "info").expect(65)
    assert "jane" not in result.err + result.out
    assert APPLICATION not in result.out

"""Archives of several files: their records' numbers, what files are known by, and a resume that leaves finished ones closed."""

import gzip
import hashlib
import os
import re
import shutil
import signal
import struct

import pytest
from support.archives import archive, endpoint, endpoints, flattened, line, listing, numbered, spread
from support.content import TABLES, Store
from support.kills import NDJSONPlace, SQLitePlace, differences
from support.ndjson import Folder
from support.sluice import LOGICAL_DATE

TIME = "2026-01-02T03:04:05.000Z"
DATED = ("--logical-date", LOGICAL_DATE)


def word(number):
    return struct.pack(">q", number)


def known_by(files):
    """The hash of the input and that of the listing, worked out from what they are said to be."""
    contents = states = bytes(32)
    listed = hashlib.sha256()
    for file in files:
        name = file.name.encode()
        name = word(len(name)) + name + (b"\0" if file.left_out else b"\1")
        content = state = size = b""
        if not file.left_out:
            status = file.path.stat()
            size = word(status.st_size)
            records = hashlib.sha256(b"".join(word(len(text)) + text for text in file.records)).digest()
            content, state = size + records, size + word(status.st_mtime_ns) + struct.pack(">Q", status.st_ino)
        contents = hashlib.sha256(contents + name + content).digest()
        states = hashlib.sha256(states + name + state).digest()
        listed.update(name + size)
    return f"{contents.hex()}:{hashlib.sha256().hexdigest()}:{states.hex()}", listed.hexdigest()


@pytest.mark.limit(90)
@pytest.mark.parametrize("files", [1, 3, 40])
def test_each_record_has_its_number(sluice, tmp_path, dice, files):
    """Against Python: rows, ordinals, hashes and counts, in SQLite and in NDJSON."""
    folder = tmp_path / "exports"
    spread(folder, endpoints(600), files, dice)
    if files > 1:
        for name in [".hidden", "part-0001a", "old/part", ".git/x", "part-0000/z"]:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"" if name != "old/part" else line(endpoint(9999)))
    names = listing(folder, ["old"])
    want = numbered(names)
    assert len(want) == 600
    places = [NDJSONPlace(tmp_path / "out" / "files", "append"), SQLitePlace(tmp_path / "out" / "store", "append")]
    pipeline = archive(
        sluice, "numbered", folder, batch_size=70, sinks=[place.sink for place in places], source={"exclude": ["old"]}
    )
    summary = sluice.run(pipeline, *DATED).expect(0).summary
    read = sum(file.is_read for file in names)
    assert read == files and summary["files"] == {"read": read, "left_out": len(names) - read}
    assert {sink["next_ordinal"] for sink in summary["sinks"]} == {want[-1][0] + 1}
    run_id = summary["run_id"]
    rows = []
    for ordinal, text in want:
        rows += flattened(text, ordinal, run_id, TIME, True)["endpoints"]
    columns = TABLES["endpoints"]
    keep = [columns.index(name) for name in ("endpoint_id", "user_id", "address", "effective_date", "ordinal", "run_id")]
    right = sorted([tuple(row[place] for place in keep) for row in rows], key=repr)
    store = Store(places[1].database)
    ndjson = Folder(places[0].folder).current.rows("endpoints", True)
    for found in (store.query(f"SELECT {', '.join(columns)} FROM endpoints"), ndjson):
        assert sorted([tuple(row[place] for place in keep) for row in found], key=repr) == right
    input_hash, listing_hash = known_by(names)
    assert store.query("SELECT input_hash, consumed FROM sluice_checkpoints") == [(input_hash, 600)]
    assert store.value("SELECT listing_hash FROM sluice_runs") == listing_hash


# Resuming ------------------------------------------------------------------------------------------------------------


class Forty:
    """A run over 40 files, killed in file 39."""

    def __init__(self, sluice, tmp_path):
        self.sluice, self.folder = sluice, tmp_path / "exports"
        self.folder.mkdir()
        lines = endpoints(4000)
        for number in range(40):
            path = self.folder / f"part-{number:02d}.json.gz"
            path.write_bytes(gzip.compress(b"".join(lines[number * 100 : number * 100 + 100])))
        self.places, self.pipeline = self.write("killed", tmp_path)
        self.right, self.undisturbed = self.write("right", tmp_path)
        # Of batches of 75 the 52nd ends with record 3899, the 51st with 3824: in file 38, which is the 39th.
        killed = sluice.run(self.pipeline, *DATED, environment={"SLUICE_FAILPOINT": "sqlite.commit.before#52=kill"})
        if killed.code == 0:
            pytest.skip("this program was built without the trait Failpoints")
        assert killed.code == -signal.SIGKILL

    def write(self, name, tmp_path):
        places = [
            NDJSONPlace(tmp_path / name / "files", "append", max_file_size="32KB"),
            SQLitePlace(tmp_path / name / "store", "merge"),
        ]
        return places, archive(self.sluice, name, self.folder, batch_size=75, sinks=[place.sink for place in places])

    def resume(self):
        """Runs under strace; gives the result, and the files opened with the seconds since the folder was listed, by number."""
        trace = self.folder.parent / "trace"
        command = ["strace", "-f", "--seccomp-bpf", "-ttt", "-e", "trace=openat,open", "-o", str(trace)]
        result = self.sluice.run(self.pipeline, *DATED, prefix=command)
        opened, start = {}, None
        for text in trace.read_text().splitlines():
            moment = float(text.split()[1])
            if f'"{self.folder}"' in text:
                start = moment
            found = re.search(r'open(?:at)?\(.*"([^"]*/part-(\d\d)\.json\.gz)"', text)
            if found:
                opened.setdefault(int(found[2]), moment - start)
        return result, opened

    def check(self, result):
        summary = result.expect(0).summary
        # Behind record 24 of file 38.
        assert (summary["records"], summary["resumed_from"]) == (4000, (38 << 32) + 25)
        assert summary["files"] == {"read": 40, "left_out": 0}
        # Over the files as they are now: the account says when they were changed.
        self.sluice.run(self.undisturbed, *DATED).expect(0)
        for place, other in zip(self.places, self.right, strict=True):
            assert place.content() == other.content(), differences(place.content(), other.content())


@pytest.fixture
def forty(sluice, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace isn't there")
    return Forty(sluice, tmp_path)


@pytest.mark.limit(90)
def test_finished_files_stay_closed(forty):
    result, opened = forty.resume()
    forty.check(result)
    assert sorted(opened) == [38, 39]
    assert opened[38] < 1, f"it begins to read after {opened[38]:.2f} s"


@pytest.mark.limit(90)
def test_touched_files_are_read_again(forty):
    os.utime(forty.folder / "part-17.json.gz")
    result, opened = forty.resume()
    forty.check(result)
    assert sorted(opened) == list(range(40))


@pytest.mark.limit(90)
def test_a_file_that_is_another_one_is_noticed(forty):
    path = forty.folder / "part-17.json.gz"
    kept = path.read_bytes()
    path.write_bytes(gzip.compress(gzip.decompress(kept).replace(b"a-1700-0@", b"b-1700-0@")))
    result, _ = forty.resume()
    assert re.search(r"its first (3825|3900) records are no longer", result.expect(66).message), result.message
    path.write_bytes(kept)
    # A name that comes before those that are finished changes their numbers.
    (forty.folder / ".part").write_bytes(b"")
    forty.resume()[0].expect(66)
    (forty.folder / ".part").unlink()
    (forty.folder / "part-99.json").write_bytes(line(endpoint(5000)))
    summary = forty.resume()[0].expect(0).summary
    assert (summary["records"], summary["files"]) == (4001, {"read": 41, "left_out": 0})

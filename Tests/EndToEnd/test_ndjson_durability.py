"""What a commit to files does, call by call: nothing is named before it is on the disk."""

import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from support.ndjson import Folder
from support.sluice import LOGICAL_DATE

USERS, BATCH = 400, 50


@dataclass
class Call:
    """A system call that went well. `path` is that of the descriptor or of the first name, `target` a rename's."""

    name: str
    path: str
    target: str = ""
    flags: str = ""


CALLS = "fsync,fdatasync,rename,renameat,renameat2,openat,write,pwrite64,ftruncate,symlink,symlinkat"


def traced(path):
    """The successful calls of a trace, in the order in which they ended. All commits are one thread's at a time."""
    begun, calls = {}, []
    for line in path.read_text(errors="replace").splitlines():
        process, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[process] = text.removesuffix("<unfinished ...>")
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", text)
        if resumed:
            text = begun.pop(process) + text[resumed.end() :]
        found = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text)
        if not found or int(found[3]) < 0:
            continue
        name, arguments = found[1], found[2]
        quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
        if name in ("fsync", "fdatasync", "write", "pwrite64", "ftruncate"):
            calls.append(Call("sync" if "sync" in name else "write", re.match(r"\d+<([^>]*)>", arguments)[1]))
        elif name.startswith("rename"):
            calls.append(Call("rename", quoted[0], quoted[1]))
        elif name.startswith("symlink"):
            calls.append(Call("symlink", quoted[1], quoted[0]))
        else:
            calls.append(Call("open", quoted[0], flags=arguments))
    return calls


@pytest.fixture
def calls(sluice, synthetic, tmp_path):
    strace = shutil.which("strace")
    if not strace or subprocess.run([strace, "-o", "/dev/null", "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace isn't there or isn't allowed here")
    server = synthetic(users=USERS)
    sink = {"type": "ndjson", "path": str(tmp_path / "out"), "mode": "replace", "max_file_size": "8KB"}
    pipeline = sluice.pipeline("traced", server.url, server.ids, batch_size=BATCH, sinks=[sink])
    prefix = [strace, "-f", "-y", "-o", str(tmp_path / "trace"), "-e", f"trace={CALLS}"]
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE, prefix=prefix).expect(0)
    return traced(tmp_path / "trace")


@pytest.mark.limit(90)
def test_the_order_of_every_commit(calls, tmp_path):
    """Data fsync, then the checkpoint's, then its rename, then the folder's fsync; a new file's name before all that."""
    out = tmp_path / "out"
    run = str(out / ".sluice" / "under-test-20260102T030405Z")
    checkpoint = f"{run}/checkpoint.json"
    renames = [place for place, call in enumerate(calls) if call.name == "rename" and call.target == checkpoint]
    assert len(renames) == USERS // BATCH + 2, "one for each batch, one for the input's end, one for the run's"
    start, files, made, empty = 0, set(), 0, 0
    for end, after in zip(renames, [*renames[1:], len(calls)], strict=True):
        commit = calls[start:end]
        written = last(commit, "write", lambda path: path.startswith(run) and path.endswith(".ndjson.gz"))
        empty += not written
        synced = last(commit, "sync", lambda path: True)
        aside = calls[end].path
        assert aside != checkpoint and aside in synced, f"{aside} is renamed without being on the disk"
        begun = min(place for place, call in enumerate(commit) if call.name in ("open", "write") and call.path == aside)
        for path, place in written.items():
            assert place < synced.get(path, -1) < synced[aside], f"{path} isn't on the disk before its checkpoint is"
            assert synced[path] < begun, "the checkpoint isn't begun before the data is on the disk"
        for place, call in enumerate(commit):
            if call.name == "open" and "O_CREAT" in call.flags and call.path.startswith(run) and "ndjson" in call.path:
                folder = call.path.rsplit("/", 1)[0]
                assert place < synced.get(folder, -1) < synced[aside], f"the name {call.path} isn't on the disk"
                made += 1
        assert Call("sync", run) in calls[end:after], "the checkpoint's name isn't on the disk before the next commit"
        following = calls[end : calls.index(Call("sync", run), end)]
        assert not [call for call in following if call.name == "write" and call.path.startswith(run)]
        start = end + 1
        files |= set(written)
    assert empty == 1, "every commit but the input's end writes rows, or what ends the files"
    assert made >= 5 and len(files) == len(list(out.rglob("*.ndjson.gz"))), "files beyond the first ones of each table"


@pytest.mark.limit(90)
def test_the_order_of_publishing(calls, tmp_path):
    """The manifest is on the disk before the checkpoint says that the run is complete; then `current`, `latest.json` last."""
    out = str(tmp_path / "out")
    name = "under-test-20260102T030405Z"
    run = f"{out}/.sluice/{name}"

    def place(call, start=0):
        assert call in calls[start:], f"no {call}"
        return calls.index(call, start)

    manifest = place(Call("rename", f"{run}/manifest.json.new", f"{run}/manifest.json"))
    assert place(Call("sync", f"{run}/manifest.json.new")) < manifest
    last_rename = max(p for p, call in enumerate(calls) if call.target == f"{run}/checkpoint.json")
    assert place(Call("sync", run), manifest) < last_rename
    moved = place(Call("rename", run, f"{out}/runs/{name}"), last_rename)
    assert place(Call("sync", run), last_rename) < moved
    linked = max(p for p, call in enumerate(calls) if call.name == "rename" and call.target == f"{out}/current")
    # The system shows a synced folder by its name, the root of the output without a slash at its end.
    made = [p for p, call in enumerate(calls) if call == Call("sync", out) and last_rename < p < moved]
    assert made, "the folder of the runs is on the disk before a run is in it"
    assert moved < place(Call("sync", f"{out}/runs"), moved) < linked
    (aside, named), = [(call.path, p) for p, call in enumerate(calls) if call.target == f"{out}/latest.json"]
    assert linked < place(Call("sync", out), linked) < place(Call("sync", aside)) < named < place(Call("sync", out), named)
    assert Folder(out).link == f"runs/{name}" and Folder(out).latest["run_id"] == name


def last(calls, name, wanted):
    """The place of each path's last call of this name."""
    return {call.path: place for place, call in enumerate(calls) if call.name == name and wanted(call.path)}

"""A folder of runs that a later version wrote, or in which something can't be read: 78 in the same words everywhere, and
nothing is changed by a byte."""

import hashlib
from pathlib import Path

import pytest
from support.kept import KeptStore, Nights
from support.kills import NDJSONPlace
from support.refusals import DAMAGES, refused_alike
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE

RUN = "under-test-20260102T030405Z"
KILLED = {"SLUICE_FAILPOINT": "ndjson.prepare.before-write#2=kill"}


class Folder:
    """A folder with a complete run, after it one that was killed where the case needs one; what is asked of it."""

    def __init__(self, sluice, server, tmp_path, mode, running):
        (tmp_path / "users.txt").write_text("".join(f"user-{number:03d}\n" for number in range(60)))
        place = NDJSONPlace(tmp_path / "out", mode)
        self.pipeline = sluice.pipeline(
            "read", server.url, tmp_path / "users.txt", batch_size=20, limits={"max_removed": "100%"}, sinks=[place.sink]
        )  # fmt: skip
        self.path, self.sluice, self.server = tmp_path / "out", sluice, server
        sluice.run(self.pipeline, "--logical-date", LOGICAL_DATE).expect(0)
        self.run = RUN
        if running:
            self.run = "under-test-20260202T000000Z"
            assert sluice.run(self.pipeline, "--logical-date", "2026-02-02", environment=KILLED).code == -9

    def __call__(self, command):
        return self.sluice(command, self.pipeline.file)

    def refused(self, path):
        return refused_alike(self, path, lambda: stored(self.path), self.server)


def stored(folder):
    """All that is there but locks; a killed process leaves its own."""
    found = {}
    for path in sorted(path for path in Path(folder).rglob("*") if path.suffix != ".lock"):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file():
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[str(path)] = "a folder"
    return found


def file_of(folder, which):
    return {
        "owner": folder.path / ".sluice" / "owner.json",
        "record": folder.path / ".sluice" / "runs" / f"{folder.run}.json",
        "checkpoint": folder.path / ".sluice" / folder.run / "checkpoint.json",
        "manifest": folder.path / "runs" / RUN / "manifest.json",
    }[which]


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user))


@pytest.mark.limit(120)
@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("which", ["owner", "record", "checkpoint", "manifest"])
def test_later_or_unreadable(sluice, server, tmp_path, which, mode):
    folder = Folder(sluice, server, tmp_path, mode, running=which == "checkpoint")
    path = file_of(folder, which)
    whole = path.read_text()
    for name, damage in DAMAGES.items():
        text = damage(whole)
        if which == "owner" and name == "a format that is none":
            text = text.replace('"format":2,', "")
        assert text != whole
        path.write_text(text)
        words = folder.refused(path)
        if name == "newer":
            assert "has the format 3, and this version of sluice knows formats up to 2" in words
        else:
            assert f"{path} can't be read: " in words
        assert "Nothing was changed." in words
    path.write_text(whole)
    sluice.run(folder.pipeline, "--logical-date", LOGICAL_DATE if folder.run == RUN else "2026-02-02").expect(0)
    assert sluice("verify", folder.pipeline.file).code == 0


@pytest.mark.limit(300)
@pytest.mark.parametrize(("which", "step"), [("manifest", 50), ("checkpoint", 150), ("record", 150), ("owner", 50)])
def test_cut_off(sluice, server, tmp_path, which, step):
    folder = Folder(sluice, server, tmp_path, "append", running=which == "checkpoint")
    path = file_of(folder, which)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, step):
        path.write_bytes(whole[:length])
        folder.refused(path)
    path.write_bytes(whole)
    assert sluice("verify", folder.pipeline.file).code == 0


@pytest.mark.limit(120)
@pytest.mark.parametrize("which", ["record", "manifest", "owner"])
def test_in_a_folder_of_the_first_version(sluice, postgres, tmp_path, which):
    """It isn't migrated either."""
    nights = Nights("0.1")
    try:
        store = KeptStore("0.1/ndjson-append-complete", tmp_path / "kept", postgres, sluice, nights)
        run = "kept-20260102T000000Z"
        path = {
            "owner": store.place.folder / ".sluice" / "owner.json",
            "record": store.place.folder / ".sluice" / "runs" / f"{run}.json",
            "manifest": store.place.folder / run / "manifest.json",
        }[which]
        whole = path.read_text()
        damages = [damage(whole) for damage in DAMAGES.values()]
        damages += [whole[:length] for length in range(0, len(whole) - 1, 1000)]
        for text in damages:
            # The owner's file of that version had no number.
            if text == whole:
                continue
            path.write_text(text)
            refused_alike(store, path, lambda: stored(store.place.folder))
        path.write_text(whole)
        assert store.run("first", "2026-01-03").code == 0
    finally:
        nights.stop()

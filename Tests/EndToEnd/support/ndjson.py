"""Reads what a pipeline has published as NDJSON, or is still writing, with Python's own gzip, json, hashlib and zlib, and
with PyPI's zstandard."""

import gzip
import hashlib
import json
import os
import struct
import subprocess
import zlib
from pathlib import Path

import zstandard
from support.content import DIAGNOSTICS, TABLES
from support.values import Number, columns

#: What of a manifest or a checkpoint depends on when a run was, on what it learned of rates, or on runs given up.
VOLATILE = {"started_at", "finished_at", "source_state", "sequence"}
INTEGERS = {"endpoint_count", "ordinal", "position", "shard", "line", "status", "attempts"}
#: What a file's name ends with, and what a manifest calls that.
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".ndjson": "none"}
REALS = {("endpoints", "location_latitude"), ("endpoints", "location_longitude"), ("endpoint_metrics", "value")}


class Folder:
    """The path of an NDJSON sink."""

    def __init__(self, path):
        self.path = Path(path)

    @property
    def link(self):
        """What `current` says; None where it isn't there."""
        return os.readlink(self.path / "current") if (self.path / "current").is_symlink() else None

    @property
    def current(self):
        """The run that readers find: the link is resolved once. None before anything is published."""
        return Run(os.path.realpath(self.path / "current")) if self.link else None

    @property
    def runs(self):
        """What was published and is still there, by run ID."""
        # An earlier version put them beside the link.
        places = [self.path / "runs", self.path]
        paths = [path for place in places if place.is_dir() for path in place.iterdir()]
        own = {".sluice", "current", "latest.json", "runs"}
        return {path.name: Run(path) for path in sorted(paths) if path.name not in own and not path.is_symlink()}

    @property
    def latest(self):
        """What `latest.json` says; None where it isn't there. It names the run that `current` leads to."""
        if not (self.path / "latest.json").exists():
            return None
        latest = json.loads((self.path / "latest.json").read_text())
        assert latest["path"] == self.link == f"runs/{latest['run_id']}", (latest, self.link)
        manifest = json.loads((self.path / latest["manifest"]).read_text())
        for name in ("run_id", "logical_date", "finished_at"):
            assert latest[name] == manifest["run"][name], (latest, manifest["run"])
        assert (latest["format"], latest["pipeline"]) == (2, manifest["pipeline"])
        return latest

    @property
    def unfinished(self):
        """Folders of runs that aren't published."""
        names = sorted((self.path / ".sluice").glob("*/checkpoint.json"))
        return [Run(name.parent) for name in names]

    def own(self):
        """What stands under `.sluice` by its name; once a run is over these are small files of JSON."""
        files = {}
        for path in sorted((self.path / ".sluice").rglob("*")):
            name = str(path.relative_to(self.path / ".sluice"))
            if path.suffix == ".json":
                files[name] = lasting(json.loads(path.read_text()))
            elif name != "runs":
                files[name] = "a leftover"
        return files


class Run:
    """One run's folder."""

    def __init__(self, folder):
        self.folder = Path(folder)

    @property
    def manifest(self):
        return json.loads((self.folder / "manifest.json").read_text())

    @property
    def files(self):
        """The manifest's entries, in its order."""
        return self.manifest["files"]

    @property
    def tables(self):
        return [table for table in TABLES if (self.folder / table).is_dir()]

    def paths(self, table=None):
        """The data files, in order."""
        return sorted(self.folder.glob(f"{table or '*'}/*.ndjson*"))

    def data(self):
        """The bytes of each data file by its name; a failure's diagnostics make its file differ, so those are left out."""
        result = {}
        for path in self.paths():
            name = str(path.relative_to(self.folder))
            if name.startswith("failures/"):
                rows = [json.loads(line) for line in unpacked(path, path.read_bytes()).decode().splitlines()]
                result[name] = [{key: row[key] for key in row if key not in DIAGNOSTICS} for row in rows]
            else:
                result[name] = path.read_bytes()
        return result

    def account(self):
        """The manifest without what is volatile, and without what follows from failures' diagnostics."""
        account = lasting(self.manifest)
        for file in account["files"]:
            if "failures" in file["path"]:
                file.update(bytes=0, sha256="", uncompressed_bytes=0)
        return account

    def rows(self, table, append=False):
        """A table's rows in the files' order, cells as `support.values` wants them; checks every row's keys."""
        names, result = columns(table, append), []
        for path in self.paths(table):
            for line in unpacked(path, path.read_bytes()).splitlines(keepends=True):
                assert line.endswith(b"\n")
                row = json.loads(line, parse_int=Number, parse_float=Number)
                assert list(row) == names, f"{path}: keys {list(row)}, not {names}"
                assert isinstance(row.get("extra", ""), str), f"{path}: extra isn't text"
                result.append([cell(table, name, value) for name, value in row.items()])
        return result

    def check(self):
        """Every published file is as the manifest says, for every reader; every file is in it."""
        listed = {}
        said = self.manifest.get("compression")
        for file in self.files:
            data = (self.folder / file["path"]).read_bytes()
            assert len(data) == file["bytes"], f"{file}: {len(data)} bytes"
            assert hashlib.sha256(data).hexdigest() == file["sha256"], f"{file}: another hash"
            assert said in (None, COMPRESSIONS[Path(file["path"]).suffix]), f"{file}: packed with {said}"
            text = unpacked(file["path"], data)
            assert text.count(b"\n") == file["rows"] and (not text or text.endswith(b"\n")), f"{file}: other rows"
            if file["path"].endswith(".gz"):
                # One ordinary gzip member: a single decompressor reads all of it.
                whole = zlib.decompressobj(31)
                assert whole.decompress(data) == text and whole.eof and not whole.unused_data
            listed[file["path"]] = file["rows"]
        assert sorted(listed) == [str(path.relative_to(self.folder)) for path in self.paths()]
        others = {path.name for path in self.folder.iterdir()} - {name.split("/")[0] for name in listed}
        # The checkpoint goes when all else of a publication is done.
        assert others <= {"manifest.json", "checkpoint.json"}, others

    def check_prefix(self):
        """Of a run that isn't over: what its checkpoint speaks of is there, as whole frames, or with a trailer a gzip file."""
        checkpoint = json.loads((self.folder / "checkpoint.json").read_text())
        for table in checkpoint["tables"]:
            # Failures are written anew, in a folder beside the old one, when some of them are mended.
            folder = self.folder / (table["name"] + (f".{table['generation']}" if table.get("generation") else ""))
            for number, file in enumerate(table["finished"]):
                path = numbered(folder, number)
                data = path.read_bytes()
                assert len(data) == file["bytes"] and hashlib.sha256(data).hexdigest() == file["sha256"]
                assert unpacked(path, data).count(b"\n") == file["rows"]
            current = table.get("current")
            if not current:
                continue
            path = numbered(folder, current["number"])
            data = path.read_bytes()
            assert len(data) >= current["bytes"], f"{table['name']}: {len(data)} bytes of {current}"
            if path.suffix != ".gz":
                text = unpacked(path, data[: current["bytes"]])
                assert (text.count(b"\n"), len(text)) == (current["rows"], current["length"])
                continue
            whole = data[: current["bytes"]] + trailer(current["crc32"], current["length"])
            # Python checks the CRC-32 and the length, gzip does it once more.
            text = gzip.decompress(whole)
            assert text.count(b"\n") == current["rows"]
            subprocess.run(["gzip", "-t"], input=whole, check=True, capture_output=True)
        return checkpoint


def numbered(folder, number):
    """The file of this number, whatever it is packed with."""
    (path,) = folder.glob(f"{number:05d}.ndjson*")
    return path


def unpacked(path, data):
    """The text of a file, by its name."""
    match Path(path).suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".zst":
            return b"".join(frames(data))
        case _:
            return data


def frames(data):
    """The content of each frame of a zstd file; each says how long it is, and has a checksum."""
    while data:
        parameters = zstandard.get_frame_parameters(data)
        frame = zstandard.ZstdDecompressor().decompressobj()
        text = frame.decompress(data)
        assert frame.eof, "a frame is cut off"
        assert parameters.has_checksum and parameters.content_size == len(text)
        yield text
        data = frame.unused_data


def trailer(checksum, length):
    """What ends a gzip file whose last block isn't marked: an empty one that is, CRC-32 and length (RFC 1951, 1952)."""
    return b"\x03\x00" + struct.pack("<II", checksum, length & 0xFFFFFFFF)


def cell(table, name, value):
    if value is None:
        return None
    if (table, name) in REALS:
        return float(value) if isinstance(value, Number) else value
    if name in INTEGERS:
        return int(value) if isinstance(value, Number) else value
    return value


def lasting(value):
    if isinstance(value, dict):
        return {name: lasting(member) for name, member in value.items() if name not in VOLATILE}
    return [lasting(element) for element in value] if isinstance(value, list) else value


def same_bytes(left, right):
    """In words how the data of two runs (`Run.data()`) differs; empty where it is the same to the byte."""
    words = []
    for name in sorted(set(left) | set(right)):
        one, other = left.get(name), right.get(name)
        if one != other:
            size = [len(data) if data is not None else "nothing" for data in (one, other)]
            place = next((p for p, (a, b) in enumerate(zip(one or (), other or (), strict=False)) if a != b), None)
            words.append(f"{name}: {size[0]} against {size[1]}, the first difference at {place}")
    return "; ".join(words)

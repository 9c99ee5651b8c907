"""`sluice verify` over folders: published runs, and what other programs make of the same records."""

import gzip
import json
import shutil

import pytest
import zstandard
from support.archives import archive, endpoint, endpoints, line, spread
from support.ndjson import unpacked
from support.shards import DATED
from support.sluice import APPLICATION

TABLES = ["users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures"]
BROKEN = b"no JSON\n"


def published(sluice, name, exports, *arguments, sink=None, **settings):
    """The folder of a run of these exports."""
    sinks = [{"type": "ndjson", "path": "out", "mode": "replace", **(sink or {})}]
    pipeline = archive(sluice, name, exports, sinks=sinks, limits={"accept_failed": 100}, **settings)
    sluice.run(pipeline, *(arguments or DATED)).expect(0)
    return pipeline.folder / "out"


def parts(sluice, exports, folder, *arguments, tables=TABLES):
    """What `flatten` makes of each file by itself, packed in one way or another, with what engines leave beside it."""
    listed = sluice("flatten", "--list", exports).expect(0).out.splitlines()
    for number, file in enumerate(map(json.loads, listed)):
        for table in tables:
            own = ("--table", table, "--application-id", APPLICATION, "--file-number", file["file_number"])
            text = sluice("flatten", file["path"], *own, *arguments).out.encode()
            name, pack = [("json.gz", gzip.compress), ("json.zst", zstandard.compress), ("ndjson", bytes)][number % 3]
            path = folder / table / ("deeper" if number % 2 else "") / f"part-{number:05d}.{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pack(text))
            (folder / table / "_SUCCESS").touch()
            (folder / table / f".part-{number:05d}.crc").write_bytes(b"crc\0")
    return folder


def verify(sluice, code, *arguments):
    said = json.loads(sluice("verify", *arguments, "--output", "json").expect(code).out)
    assert said["exit_code"] == code and said["equal"] == {0: True, 65: False}.get(code), said
    assert said["pipeline"] is None and all(sink["mode"] is None for sink in said["sinks"])
    return said


def differing(said):
    return {table["name"]: table["differences"] for table in said["tables"] if table["equal"] is False}


@pytest.fixture
def exports(tmp_path, dice):
    lines = endpoints(300)
    lines.insert(17, BROKEN)
    spread(tmp_path / "exports", lines, 5, dice)
    return tmp_path / "exports"


def test_two_runs(sluice, exports):
    """However their files are cut and packed, and whatever their dates; then one of them is changed."""
    one = published(sluice, "one", exports)
    other = published(
        sluice, "other", exports, "--logical-date", "2026-02-03", sink={"compression": "zstd", "max_file_size": "1KB"},
        batch_size=7,
    )  # fmt: skip
    said = verify(sluice, 0, one, other / "current")
    assert [table["name"] for table in said["tables"]] == TABLES
    counts = {table["name"]: [side["rows"] for side in table["sinks"]] for table in said["tables"]}
    assert counts["endpoints"] == [300, 300] and counts["failures"] == [1, 1] and counts["users"] == [0, 0]
    assert [sink["name"] for sink in said["sinks"]] == [str(one), str(other / "current")] and said["run_id"] is None
    assert "equal in 2 folders" in sluice("verify", one, other).expect(0).out
    assert sluice("verify", one, other, "--quiet").expect(0).out == ""

    path = next((one / "current").resolve().glob("endpoints/*"))
    text = unpacked(path, path.read_bytes()).replace(b"a-1-0@example.com", b"A-1-0@example.com")
    path.write_bytes(gzip.compress(text))
    said = verify(sluice, 65, one, other)
    assert differing(said) == {
        "endpoints": [{
            "between": [str(one), str(other)], "key": {"application_id": APPLICATION, "endpoint_id": "endpoint-000001"},
            "only_in": None, "columns": ["address"],
        }]
    }  # fmt: skip
    assert any("other bytes" in note or "bytes, not" in note for note in said["notes"])
    printed = sluice("verify", one, other).expect(65)
    assert "address differs" in printed.out and "the folders differ" in printed.err and "A-1-0" not in printed.out
    # What is left out differs nowhere.
    verify(sluice, 0, one, other, "--ignore", "address")


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_a_run_and_parts(sluice, exports, tmp_path, layout):
    run = published(sluice, "run", exports, flatten={"layout": layout})
    tables = [table for table in TABLES if layout == "normalized" or not table.startswith("endpoint_")]
    folder = parts(sluice, exports, tmp_path / "parts", "--layout", layout, tables=tables)
    # No engine makes a folder for nothing.
    shutil.rmtree(folder / "users")
    assert verify(sluice, 0, run, folder)["tables"][1]["sinks"][1]["rows"] == 300
    assert verify(sluice, 0, folder, run)["tables"][1]["sinks"][0]["rows"] == 300
    gone = next((folder / "endpoints").rglob("part-*"))
    gone.rename(tmp_path / "aside")
    found = differing(verify(sluice, 65, run, folder))
    assert set(found) == {"endpoints"} and all(one["only_in"] == str(run) for one in found["endpoints"])


def test_parts_with_other_ordinals(sluice, exports, tmp_path):
    """Files that were numbered in another way give other ordinals, and `--ignore` passes over these alone."""
    run = published(sluice, "run", exports)
    folder = tmp_path / "parts"
    for table in TABLES:
        (folder / table).mkdir(parents=True)
        own = ("--table", table, "--application-id", APPLICATION, "--file-number", 100)
        (folder / table / "all.json").write_text(sluice("flatten", exports, *own).out)
    found = differing(verify(sluice, 65, run, folder))
    assert set(found) == {"endpoints", "failures"} and found["endpoints"][0]["columns"] == ["ordinal"]
    verify(sluice, 0, run, folder, "--ignore", "ordinal")


@pytest.mark.parametrize("policy", ["newest", "last"])
def test_what_a_run_has_twice(sluice, tmp_path, policy):
    """Files keep all of an endpoint's rows; of a run beside one that has it once, the one that counts is compared."""
    lines = [line(endpoint(number, version)) for version in (3, 5, 1) for number in range(40)]
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "all.json").write_bytes(b"".join(lines))
    run = published(sluice, "run", exports, flatten={"layout": "document"}, source={"conflict": policy})
    kept = lines[40:80] if policy == "newest" else lines[80:]
    (tmp_path / "kept.json").write_bytes(b"".join(kept))
    folder = tmp_path / "parts/endpoints"
    folder.mkdir(parents=True)
    text = sluice("flatten", tmp_path / "kept.json", "--layout", "document", "--table", "endpoints").expect(0).out
    (folder / "part.json").write_text(text)
    options = ("--ignore", "ordinal", "--conflict", policy)
    verify(sluice, 0, run, folder.parent, *options)
    other = {"newest": "last", "last": "newest"}[policy]
    found = differing(verify(sluice, 65, run, folder.parent, "--ignore", "ordinal", "--conflict", other))
    assert {"address", "effective_date"} <= set(found["endpoints"][0]["columns"])


def test_one_run_and_its_manifest(sluice, exports):
    run = published(sluice, "run", exports)
    said = sluice("verify", run).expect(0).out
    assert "as its own account says; no folders were compared" in said
    path = next((run / "current").resolve().glob("endpoints/*"))
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    printed = sluice("verify", run, "--output", "json").expect(65)
    assert "has other bytes" in json.loads(printed.out)["sinks"][0]["faults"][0]
    assert "isn't what its manifest says" in printed.err


def test_tables_that_one_lacks(sluice, exports):
    one = published(sluice, "one", exports)
    other = published(sluice, "other", exports, flatten={"layout": "document", "columns": [{"name": "v0", "from": "Attributes.v0", "as": "first"}]})
    said = verify(sluice, 65, one, other)
    assert said["sinks"][1]["faults"] == [f"it has no table '{table}'" for table in TABLES[2:5]]
    assert any("column 'attributes' of table 'endpoints' isn't in both" in note for note in said["notes"])


def test_what_cant_be_compared(sluice, exports, tmp_path):
    run = published(sluice, "run", exports)
    for name in ("parts/endpoints", "others", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "parts/endpoints/part.json").write_bytes(b'{"endpoint_id": broken\n')
    pipeline = next(path for path in run.parent.iterdir() if path.suffix == ".yaml")
    for code, words, *arguments in [
        (66, "is no folder", run, tmp_path / "missing"),
        (66, "isn't a published run", tmp_path / "parts"),
        (66, "neither", tmp_path / "parts", tmp_path / "others"),
        (66, "has no folder of a table", run, tmp_path / "empty"),
        (66, "part.json, line 1", run, tmp_path / "parts"),
        (64, "is a file", run, pipeline),
        (64, "two folders are compared at most", run, run, run),
        (64, "are for folders", pipeline, "--ignore", "address"),
        (64, "no table has a column 'adress'", run, run, "--ignore", "adress"),
        (64, "of the keys", run, run, "--ignore", "endpoint_id"),
        (64, "none of newest, last", run, run, "--conflict", "first"),
    ]:  # fmt: skip
        printed = sluice("verify", *arguments).expect(code)
        assert words in printed.err, (words, printed.err)
    manifest = (run / "current").resolve() / "manifest.json"
    document = json.loads(manifest.read_text())
    for table in document["tables"]:
        del table["key"]
    manifest.write_text(json.dumps(document))
    assert "version before 0.2" in sluice("verify", run).expect(66).err


def test_the_list_of_files(sluice, exports):
    """Numbers as a run has them; what is left out takes one too."""
    (exports / ".hidden").touch()
    (exports / "_SUCCESS").touch()
    listed = [json.loads(text) for text in sluice("flatten", "--list", exports).expect(0).out.splitlines()]
    names = sorted((path for path in exports.rglob("*") if path.is_file()), key=lambda path: str(path).encode())
    want = [
        {"file_number": number, "path": str(path), "bytes": path.stat().st_size}
        for number, path in enumerate(names) if path.name not in (".hidden", "_SUCCESS")
    ]  # fmt: skip
    assert listed == want and len(want) == 5
    # Further archives take the next numbers, and --file-number the first.
    again = sluice("flatten", "--list", "--file-number", 10, exports, names[-1]).expect(0).out.splitlines()
    assert [json.loads(text)["file_number"] for text in again] == [10 + file["file_number"] for file in want] + [17]
    assert "--list takes files" in sluice("flatten", "--list", "-").expect(64).err

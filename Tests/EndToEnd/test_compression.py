"""The NDJSON sink's compressions: the same rows in each, read back by other programs; levels; unfinished runs."""

import json
import shutil
import signal
import subprocess

import duckdb
import pandas
import polars
import pyarrow.json
import pytest
import zstandard
from support.kills import same_bytes
from support.ndjson import Folder, frames
from support.sluice import LOGICAL_DATE

#: The options, and what the files' names end with.
COMPRESSIONS = {
    "gzip": ({}, ".ndjson.gz"),
    "zstd": ({"compression": "zstd"}, ".ndjson.zst"),
    "zstd 19": ({"compression": "zstd", "level": 19}, ".ndjson.zst"),
    "none": ({"compression": "none"}, ".ndjson"),
}
RUN = ("--logical-date", LOGICAL_DATE)


def sink(name, options):
    return {"type": "ndjson", "name": name.replace(" ", "-"), "path": name, "max_file_size": "8KB", **options}


@pytest.mark.limit(120)
def test_each_holds_the_same_rows(sluice, synthetic, tmp_path):
    """In one run; `verify` compares them, and the tool, zstandard and DuckDB read what no code of this program reads."""
    server = synthetic(users=300)
    sinks = [sink(name, options) for name, (options, _) in COMPRESSIONS.items()]
    pipeline = sluice.pipeline("packed", server.url, server.ids, batch_size=20, sinks=sinks)
    sluice.run(pipeline, *RUN).expect(0)
    texts, sizes = {}, {}
    for name, (_, ending) in COMPRESSIONS.items():
        run = Folder(pipeline.folder / name).current
        run.check()
        assert run.manifest["compression"] == name.split()[0]
        assert all(path.name.endswith(ending) and path.name.count(".") == ending.count(".") for path in run.paths())
        texts[name] = {table: [row for row in run.rows(table, append=True)] for table in run.tables}
        sizes[name] = sum(file["bytes"] for file in run.files)
        # Another tool, another library, another program.
        for path in run.paths("endpoints"):
            if ending.endswith(".zst"):
                told = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
                with path.open("rb") as file:
                    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
                    assert reader.read() == told
        files = str(run.folder / "endpoints" / f"*{ending}")
        found = duckdb.sql(f"SELECT count(*), count(DISTINCT endpoint_id) FROM read_json('{files}', sample_size=-1)")
        assert found.fetchall() == [(len(texts[name]["endpoints"]),) * 2]
    assert all(texts[name] == texts["gzip"] for name in COMPRESSIONS) and len(texts["gzip"]["endpoints"]) > 500
    assert sizes["zstd 19"] < sizes["zstd"] < sizes["none"] and sizes["gzip"] < sizes["none"]
    # Compressed bytes decide when a file ends.
    counts = {name: len(Folder(pipeline.folder / name).current.paths("endpoints")) for name in COMPRESSIONS}
    assert counts["none"] > counts["zstd"] >= counts["zstd 19"] > 1, counts
    said = json.loads(sluice("verify", pipeline.file, "--output", "json").expect(0).out)
    assert said["equal"] and len(said["sinks"]) == len(COMPRESSIONS)


def test_a_frame_for_each_batch(sluice, synthetic, tmp_path):
    server = synthetic(users=400)
    pipeline = sluice.pipeline(
        "frames", server.url, server.ids, batch_size=100,
        sinks=[{"type": "ndjson", "path": "out", "compression": "zstd"}],
    )  # fmt: skip
    sluice.run(pipeline, *RUN).expect(0)
    run = Folder(pipeline.folder / "out").current
    (path,) = run.paths("users")
    assert [text.count(b"\n") for text in frames(path.read_bytes())] == [100, 100, 100, 100]
    assert len(pandas.read_json(path, lines=True)) == len(polars.read_ndjson(path)) == 400
    assert pyarrow.json.read_json(pyarrow.input_stream(str(path))).num_rows == 400
    # A table without rows is a file that every reader takes.
    (empty,) = run.paths("failures")
    assert list(frames(empty.read_bytes())) == [b""]
    subprocess.run(["zstd", "-tq", *run.paths()], check=True, capture_output=True)


def test_a_changed_byte_is_found(sluice, synthetic, tmp_path):
    server = synthetic(users=100)
    sinks = [sink("zstd", {"compression": "zstd"}), sink("none", {"compression": "none"})]
    pipeline = sluice.pipeline("changed", server.url, server.ids, sinks=sinks)
    sluice.run(pipeline, *RUN).expect(0)
    for name in ("zstd", "none"):
        path = Folder(pipeline.folder / name).current.paths("endpoints")[0]
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        result = sluice("verify", pipeline.file)
        assert result.code != 0 and path.name in result.out + result.err
        path.write_bytes(whole)
    sluice("verify", pipeline.file).expect(0)


@pytest.mark.parametrize("first, second", [({}, {"compression": "zstd"}), ({"compression": "zstd"}, {"level": 3})])
def test_an_unfinished_run_keeps_its_compression(sluice, synthetic, tmp_path, first, second):
    """With another compression it is refused; with its own it goes on."""
    server = synthetic(users=300)

    def write(options):
        return sluice.pipeline("kept", server.url, server.ids, batch_size=50, sinks=[sink("out", options)])

    failpoint = {"SLUICE_FAILPOINT": "ndjson.commit.after-data-fsync#4=kill"}
    pipeline_folder = write(first).folder
    killed = sluice.run(write(first), *RUN, environment=failpoint)
    if killed.code == 0:
        pytest.skip("this program was built without the trait Failpoints")
    assert killed.code == -signal.SIGKILL
    refused = sluice.run(write(second), *RUN).expect(78)
    assert "--fresh" in refused.err
    # What is said of level and compression as they are anyway changes nothing.
    usual = {"compression": "gzip", "level": 6} if not first else {"compression": "zstd", "level": 3}
    went_on = sluice.run(write(usual), *RUN).expect(0)
    assert went_on.summary["resumed_from"] == 150
    killed_once = Folder(pipeline_folder / "out").current.data()
    shutil.rmtree(pipeline_folder / "out")
    sluice.run(write(first), *RUN).expect(0)
    assert not same_bytes(killed_once, Folder(pipeline_folder / "out").current.data())

"""`sluice flatten`: the rows of a run, made by a filter that knows no run."""

import base64
import gzip
import json
import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest
import zstandard
from support.archives import archive, endpoint, endpoints, line, spread
from support.ndjson import Folder, unpacked
from support.readers import gzip_members
from support.shards import DATED, RUN
from support.sluice import APPLICATION, LOGICAL_DATE

TABLES = ["users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures"]
OF_RUN = ("--run-id", RUN, *DATED)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
BROKEN = [b"no JSON\n", b'{"Address":"no Id"}\n', b'{"Id":"x","ApplicationId":"other"}\n', b'{"Id":"cut o\n', b"[1]\n"]


def published(run, tables=TABLES):
    """The text of each table's files."""
    return {table: b"".join(unpacked(path, path.read_bytes()) for path in run.paths(table)) for table in tables}


def flattened(sluice, *arguments, stdin=None, code=None):
    """What a call writes, as bytes. Without a code it may be 0 or 65."""
    command = [sluice.binary, "flatten", *map(str, arguments)]
    result = subprocess.run(command, input=stdin, capture_output=True, env=sluice.environment(), timeout=100, check=False)
    expected = [0, 65] if code is None else [code]
    assert result.returncode in expected, f"exit {result.returncode}, expected {code}: {result.stderr.decode()}"
    return result.stdout


def by_table(sluice, *arguments, tables=TABLES, **options):
    return {table: flattened(sluice, *arguments, "--table", table, **options) for table in tables}


def exports(folder, dice, count=400, files=6):
    """Files of every kind with every kind of line, names that are left out, and one that can't be read."""
    lines = endpoints(count)
    for text in BROKEN:
        lines.insert(dice.randrange(len(lines)), text)
    spread(folder, lines, files, dice)
    (folder / ".hidden.json").write_bytes(line(endpoint(1)))
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / "part-0001.png").write_bytes(PNG)
    (folder / "part-0002.empty").write_bytes(b"")
    (folder / "part-0003.gz").write_bytes(gzip.compress(line(endpoint(2)) * 50)[:-30])
    (folder / "part-0004.xz").write_bytes(b"\xfd7zXZ\x00rest")
    return sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: str(path).encode())


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_each_file_gives_what_a_run_publishes(sluice, tmp_path, dice, mode, layout):
    """All files behind each other, numbered as the listing numbers them, are the run's files to the byte."""
    files = exports(tmp_path / "exports", dice)
    pipeline = archive(
        sluice, "whole", tmp_path / "exports", sinks=[{"type": "ndjson", "path": "out", "mode": mode}],
        limits={"accept_failed": 10}, flatten={"layout": layout},
    )  # fmt: skip
    said = sluice.run(pipeline, *DATED).expect(0).summary
    tables = [table for table in TABLES if layout == "normalized" or table in ("users", "endpoints", "failures")]
    want = published(Folder(pipeline.folder / "out").runs[RUN], tables)
    assert len(want["failures"].splitlines()) == said["failed"] == len(BROKEN) + 2
    shape = ("--pipeline", pipeline.file) if mode == "append" else ("--layout", layout, "--application-id", APPLICATION)
    found = dict.fromkeys(tables, b"")
    for number, path in enumerate(files):
        if path.name.startswith(".") or path.name == "_SUCCESS":
            continue
        own = by_table(sluice, path, *shape, *OF_RUN, "--file-number", number, tables=tables)
        found = {table: found[table] + own[table] for table in tables}
    assert found == want
    # And so in one call, by any number of threads, of the folder or of its names.
    for threads in (1, 2, 7):
        options = (*shape, *OF_RUN, "--threads", threads)
        assert by_table(sluice, tmp_path / "exports", *options, tables=tables) == want
    names = [path for path in files if not path.name.startswith(".")]
    assert by_table(sluice, *names, *shape, *OF_RUN, "--file-number", 1, tables=tables) == want


def test_one_stream_of_all_tables(sluice, tmp_path, dice):
    """Rows stand with their record, each as its table alone has it."""
    exports(tmp_path / "exports", dice)
    stream = flattened(sluice, tmp_path / "exports", *OF_RUN, code=65).splitlines()
    beginnings = {f'{{"table":"{table}","row":'.encode(): table for table in TABLES}
    found, owner, ordinals = {table: b"" for table in TABLES}, None, []
    for text in stream:
        (beginning, table), = [(b, t) for b, t in beginnings.items() if text.startswith(b)]  # fmt: skip
        row = text[len(beginning) : -1]
        found[table] += row + b"\n"
        values = json.loads(row)
        if "ordinal" in values:
            owner = values.get("endpoint_id")
            ordinals.append(values["ordinal"])
        else:
            assert values["endpoint_id"] == owner
    assert found == by_table(sluice, tmp_path / "exports", *OF_RUN, code=65)
    assert ordinals == sorted(ordinals) and len(set(ordinals)) == len(ordinals) > 400


def test_the_same_records_give_the_same_bytes(sluice, tmp_path, dice):
    """As a file or through a pipe, plain or packed, however many threads there are."""
    text = b"".join([*endpoints(700), *BROKEN, line(endpoint(3, Attributes={"long": ["ü" * 3_000_000]})), *endpoints(9)])
    forms = {
        "plain": text, "gz": gzip.compress(text), "members.gz": gzip_members(text, dice, 5),
        "zst": zstandard.compress(text), "utf16": text.decode().encode("utf-16"),
    }  # fmt: skip
    want = None
    for name, data in forms.items():
        (tmp_path / name).write_bytes(data)
        for threads in (1, 2, 5):
            options = ("--source", "export", "--threads", threads)
            for found in (
                flattened(sluice, tmp_path / name, *options, code=65),
                flattened(sluice, *options, stdin=data, code=65), flattened(sluice, "-", *options, stdin=data, code=65),
            ):  # fmt: skip
                want = want or found
                assert found == want, f"{name}, {threads} threads"
    assert want.count(b"\n") > 700


def test_a_job_for_each_file(sluice, tmp_path, dice):
    """`xargs -P` keeps no order among files; all lines together are those of one call."""
    paths = spread(tmp_path / "exports", endpoints(600), 12, dice)
    (tmp_path / "rows").mkdir()
    call = f"{shlex.quote(str(sluice.binary))} flatten \"$2\" --file-number \"$1\" > {tmp_path}/rows/\"$1\""
    listing = "".join(f"{number}\n{path}\n" for number, path in enumerate(paths))
    subprocess.run(
        ["xargs", "-P", "4", "-n", "2", "sh", "-ec", call, "job"], input=listing.encode(), check=True,
        env=sluice.environment(), timeout=100,
    )  # fmt: skip
    together = b"".join((tmp_path / "rows" / str(number)).read_bytes() for number in range(len(paths)))
    assert together == flattened(sluice, *paths, code=0)


# Inputs that aren't as they should be: what a run of a folder makes of them, this makes too.
ODD = {
    "cut off.gz": gzip.compress(b"".join(endpoints(60)))[:-20],
    "damaged.zst": zstandard.compress(b"".join(endpoints(60)))[:-9] + b"123456789",
    "two documents on a line": b'{"Id":"a"} {"Id":"b"}\n{"Id":"c"}\n',
    "no end": b"".join(endpoints(3))[:-1],
    "nul and lone surrogates": b'{"Id":"n","Address":"a\\u0000b","Attributes":{"x":["\\ud800"]}}\n',
    "number without end": b'{"Id":"m","Metrics":{"m":1e309,"n":0.1000000000000000055511151231257827}}\n',
    "not text": b"\xff\xfe\x00\n" + line(endpoint(1)),
    "a picture": PNG,
    "an xz file": b"\xfd7zXZ\x00rest",
    "a log": b"2026-01-01 started\n2026-01-02 ended\n",
    "nothing": b"",
    "a list": b"[" + b",".join(text.strip() for text in endpoints(5)) + b"]",
    "import csv": b"ChannelType,Address,Id\nEMAIL,a@example.com,one\nEMAIL,b@example.com,one,two,three\n",
    "byte order mark": b"\xef\xbb\xbf" + line(endpoint(1)),
    "answers": b'{"EndpointsResponse":{"Item":[{"Id":"a"},{"Id":"b"}]}}\n{"Item":null}\n{"Item":5}\n',
    "deep": b'{"Id":"d","Attributes":' + b"[" * 3000 + b"]" * 3000 + b"}\n" + line(endpoint(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_input(sluice, tmp_path, name):
    """A record of it is a row somewhere, and the same one whichever way it comes."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "0.json").write_bytes(line(endpoint(0)))
    path = tmp_path / "exports" / name
    path.write_bytes(ODD[name])
    sinks = [{"type": "ndjson", "path": "out", "mode": "replace"}]
    pipeline = archive(sluice, "odd", tmp_path / "exports", sinks=sinks, limits={"accept_failed": "100%"})
    said = sluice.run(pipeline, *DATED).expect(0).summary
    first = by_table(sluice, tmp_path / "exports" / "0.json", "--application-id", APPLICATION, *OF_RUN, code=0)
    options = ("--application-id", APPLICATION, "--file-number", 1, *OF_RUN)
    code = 65 if said["failed"] else 0
    found = by_table(sluice, path, *options, code=code)
    assert {table: first[table] + found[table] for table in TABLES} == published(Folder(pipeline.folder / "out").runs[RUN])
    assert by_table(sluice, *options, "--source", path, stdin=ODD[name], code=code) == found


def test_rows_of_no_run(sluice, tmp_path):
    (tmp_path / "e.json").write_bytes(line(endpoint(7)) + b"?\n")
    rows = [json.loads(text) for text in flattened(sluice, tmp_path / "e.json", code=65).splitlines()]
    assert [row["table"] for row in rows if "run_id" in row["row"]] == ["endpoints", "failures"]
    for row in rows:
        assert row["row"].get("run_id") is None and row["row"].get("logical_date") is None
    assert rows[-1]["row"]["source_file"] == str(tmp_path / "e.json") and rows[-1]["row"]["line"] == 2


def test_the_pipelines_rows(sluice, tmp_path):
    """Transforms, columns and layout are the pipeline's; what only its sinks need may be missing."""
    (tmp_path / "e.json").write_bytes(b"".join(endpoints(20)))
    mask = [{"type": "mask", "paths": ["Address"], "with": "redact"}]
    sinks = [
        {"type": "ndjson", "path": "out", "mode": "replace", "name": "files"},
        {"type": "postgres", "url": "${WAREHOUSE_URL}", "schema": "s", "mode": "replace", "name": "warehouse"},
    ]
    flatten = {"columns": [{"name": "first", "from": "Attributes.of", "as": "first"}]}
    pipeline = archive(sluice, "masked", tmp_path / "e.json", sinks=sinks, transforms=mask, flatten=flatten)
    rows = [json.loads(text) for text in flattened(sluice, tmp_path / "e.json", "--pipeline", pipeline.file, "--table", "endpoints", code=0).splitlines()]  # fmt: skip  # noqa: E501
    assert {row["address"] for row in rows} == {"***"} and {row["first"] for row in rows} == {"0-0"}
    # Sinks that get other rows have to be told apart.
    pipeline.document["sinks"][1]["transforms"] = [{"type": "drop", "paths": ["Attributes"]}]
    pipeline.write()
    refused = sluice("flatten", tmp_path / "e.json", "--pipeline", pipeline.file).expect(64)
    assert "'files' and 'warehouse'" in refused.message and "--sink" in refused.message
    only = ("--pipeline", pipeline.file, "--table", "endpoint_attributes")
    assert flattened(sluice, tmp_path / "e.json", *only, "--sink", "warehouse", code=0) == b""
    assert flattened(sluice, tmp_path / "e.json", *only, "--sink", "files", code=0).count(b"\n") == 40
    assert "files, warehouse" in sluice("flatten", tmp_path / "e.json", *only, "--sink", "file").expect(64).message


@pytest.mark.parametrize("arguments, code, words", [
    (["missing.json"], 66, "missing.json doesn't exist"),
    (["e.json", "--table", "endpoint"], 64, "Its tables are users, endpoints"),
    (["e.json", "--threads", "0"], 64, "--threads"), (["e.json", "--file-number", "2097152"], 64, "--file-number"),
    (["-", "-"], 64, "only once"), (["e.json", "e.json", "--source", "x"], 64, "--source"),
    (["e.json", "--layout", "wide"], 64, "wide"), (["e.json", "--sink", "x"], 64, "--sink"),
    (["e.json", "--pipeline", "none.yaml"], 66, "none.yaml"), ([""], 64, "names no file"),
])  # fmt: skip
def test_calls_that_cannot_be_taken(sluice, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.json").write_bytes(line(endpoint(1)))
    result = sluice("flatten", *arguments).expect(code)
    assert words in result.err and result.out == ""


def test_output_that_ends_early(sluice, tmp_path):
    """A reader that has enough is no failure; a place that can't be written is."""
    (tmp_path / "e.json").write_bytes(b"".join(endpoints(20_000)))
    call = f"{shlex.quote(str(sluice.binary))} flatten {tmp_path}/e.json"
    head = subprocess.run(
        ["bash", "-c", f"{call} | head -n 1; echo ${{PIPESTATUS[0]}}"], capture_output=True, env=sluice.environment(),
        timeout=100, check=True,
    )  # fmt: skip
    assert head.stdout.splitlines()[-1] == b"0" and head.stderr == b""
    full = subprocess.run(
        ["bash", "-c", f"{call} > /dev/full"], capture_output=True, env=sluice.environment(), timeout=100, check=False,
    )  # fmt: skip
    assert full.returncode == 74 and b"can't be written" in full.stderr


def test_a_pipe_that_does_not_wait(sluice, tmp_path):
    """O_NONBLOCK on standard input, which another process may have set: what isn't there yet is waited for."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    process = sluice.start("flatten", "--application-id", APPLICATION, "--table", "endpoints", stdin=reading)
    os.close(reading)
    text = b"".join(endpoints(300))
    for start in range(0, len(text), 20_000):
        # The program asks for more before there is any.
        wait_until_it_sleeps(process)
        os.write(writing, text[start : start + 20_000])
    os.close(writing)
    assert len(process.wait().expect(0).out.splitlines()) == 300


def wait_until_it_sleeps(process):
    def busy():
        try:
            tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
            states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks]
        except OSError:
            return True
        return "R" in states or os.readlink(f"/proc/{process.pid}/exe") != os.path.realpath(process.popen.args[0])

    deadline = time.monotonic() + 30
    while busy():
        assert process.poll() is None and time.monotonic() < deadline, "it doesn't wait"


def through_a_pipe(sluice, tmp_path, size):
    """The peak memory of a call that reads so many bytes of distinct endpoints from a pipe."""
    generator = (
        "import sys\n"
        "size, number = 0, 0\n"
        "padding = 'lorem ipsum dolor sit amet ' * 60\n"
        f"while size < {size}:\n"
        "    text = ''.join('{\"Id\":\"e-%d\",\"Attributes\":{\"p\":[\"%s\"]}}\\n' % (n, padding) for n in range(number, number + 500))\n"  # noqa: E501
        "    number += 500\n"
        "    size += len(text)\n"
        "    sys.stdout.write(text)\n"
        "print(number, file=sys.stderr)\n"
    )
    with open(tmp_path / "count", "wb") as count:
        source = subprocess.Popen(["python3", "-c", generator], stdout=subprocess.PIPE, stderr=count)
    nowhere = ("sh", "-c", 'exec "$@" > /dev/null', "sh")
    options = ("--application-id", APPLICATION)
    result = sluice("flatten", *options, prefix=nowhere, stdin=source.stdout, timeout=3000).expect(0)
    source.stdout.close()
    assert source.wait() == 0
    print(f"{size >> 20} MiB, {(tmp_path / 'count').read_text().strip()} endpoints: {result.peak_mebibytes:.0f} MiB, "
          f"{result.elapsed:.0f} s")  # fmt: skip
    return result.peak_mebibytes


@pytest.mark.limit(200)
def test_flat_memory(sluice, tmp_path):
    assert through_a_pipe(sluice, tmp_path, 200 << 20) <= 120


@pytest.mark.soak
@pytest.mark.limit(3600)
def test_two_gigabytes(sluice, tmp_path):
    assert through_a_pipe(sluice, tmp_path, 2 << 30) <= 120

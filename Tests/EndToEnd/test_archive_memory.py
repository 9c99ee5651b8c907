"""Archives of any size are read in flat memory."""

import gzip

import pytest
from support.archives import archive, endpoint, line
from support.content import Store
from support.ndjson import Folder

#: MiB.
LIMIT = 120
#: Bytes of text in one gzip member.
MEMBER = 10_000_000


def write_archive(path, size):
    """gzip of `size` bytes of lines, made fast by repeating a member; returns how many lines."""
    padding = {"padding": ["lorem ipsum dolor sit amet " * 4] * 3}
    lines, length, number = [], 0, 0
    while length < MEMBER:
        lines.append(line(endpoint(number, number % 12, **padding)))
        length += len(lines[-1])
        number += 1
    member = gzip.compress(b"".join(lines), 1)
    members = size // length
    with open(path, "wb") as file:
        file.writelines(member for _ in range(members))
    return members * number, number


def peak(sluice, tmp_path, size, sink):
    path = tmp_path / "export.gz"
    count, distinct = write_archive(path, size)
    pipeline = archive(sluice, "large", path, sinks=[sink], limits={"max_removed": "100%"})
    del pipeline.document["batch_size"]
    result = sluice.run(pipeline.write(), timeout=3000).expect(0)
    assert result.summary["records"] == count == result.summary["endpoints"]
    if sink["type"] == "sqlite":
        assert Store(pipeline.database).count("endpoints") == distinct
    else:
        Folder(pipeline.folder / "out").current.check()
    mib = size / (1 << 20)
    print(f"{mib:.0f} MiB, {count} lines: {result.peak_mebibytes:.0f} MiB, {result.elapsed:.0f} s")
    return result.peak_mebibytes


@pytest.mark.limit(200)
def test_hundreds_of_megabytes(sluice, tmp_path):
    assert peak(sluice, tmp_path, 300_000_000, {"type": "ndjson", "path": "out", "mode": "append", "level": 1}) <= LIMIT


@pytest.mark.soak
@pytest.mark.limit(3600)
@pytest.mark.parametrize(
    "sink",
    [{"type": "ndjson", "path": "out", "mode": "append"}, {"type": "sqlite", "path": "out/x.sqlite", "mode": "merge"}],
    ids=["ndjson", "sqlite"],
)
def test_two_gigabytes(sluice, tmp_path, sink):
    assert peak(sluice, tmp_path, 2 << 30, sink) <= LIMIT

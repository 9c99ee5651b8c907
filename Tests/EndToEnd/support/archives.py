"""Archives for tests: endpoints in several versions, spread over files, and what must come of them."""

import gzip
import json
import os
import sys
from pathlib import Path

import zstandard
from support.content import TABLES
from support.readers import gzip_members, zstd_frames
from support.sluice import APPLICATION

sys.path.insert(0, str(Path(__file__).parents[2] / "FlatteningTests" / "Oracle"))
import flatten as oracle

#: The tables of endpoints.
PARTS = ["endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"]
#: Ordinals of one file.
SPAN = 1 << 32
KEYS = {"endpoints": 2, "endpoint_attributes": 4, "endpoint_metrics": 3, "endpoint_user_attributes": 5}


def endpoint(number, version=0, **members):
    """A plain endpoint; every version has other values, other names and another number of them."""
    document = {
        "Id": f"endpoint-{number:06d}",
        "Address": f"a-{number}-{version}@example.com",
        "ApplicationId": APPLICATION,
        "ChannelType": "EMAIL",
        "EffectiveDate": f"2026-{version % 12 + 1:02d}-{number % 28 + 1:02d}T{version % 24:02d}:00:00.000Z",
        "Attributes": {"of": [f"{version}-{place}" for place in range(version % 3 + 1)], f"v{version}": ["x"]},
        "Metrics": {"m": version + 0.5, f"m{version}": 1},
        "User": {"UserId": f"user-{number % 97}-{version % 2}", "UserAttributes": {f"u{version % 4}": ["ü", "b"]}},
        **members,
    }
    return {name: value for name, value in document.items() if value is not None}


def line(document):
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def endpoints(count, **members):
    """Lines of so many endpoints; one in five has no user."""
    return [line(endpoint(number, **({"User": None} if number % 5 == 3 else {}), **members)) for number in range(count)]


def spread(folder, lines, files, dice):
    """Writes lines into so many files below a folder, whose names have the order of the lines; returns the paths.

    They are plain, gzip or zstd, of one member or several, and some stand in folders of their own.
    """
    places = sorted(dice.sample(range(1, len(lines)), files - 1))
    paths = []
    for number, (start, end) in enumerate(zip([0, *places], [*places, len(lines)], strict=True)):
        part = f"part-{number:04d}" if number % 3 else f"part-{number:04d}/deeper"
        data = b"".join(lines[start:end])
        kind = dice.choice(["plain", "gzip", "members", "frames", "no end"])
        path = Path(folder) / f"{part}.{ {'gzip': 'gz', 'members': 'gz', 'frames': 'json.zst'}.get(kind, 'json')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "no end":
            data = data[:-1]
        elif kind == "gzip":
            data = gzip.compress(data)
        elif kind == "members":
            data = gzip_members(data, dice, dice.randrange(3, 9))
        elif kind == "frames":
            data = zstd_frames(data, dice, dice.randrange(3, 9))
        path.write_bytes(data)
        paths.append(path)
    return paths


def archive(sluice, name, path, **settings):
    """A pipeline that reads an archive; settings as `Sluice.pipeline` has them, `source` is added to the source."""
    pipeline = sluice.pipeline(name, None, {}, **{"batch_size": 100, **settings, "source": None})
    pipeline.document["source"] = {
        "type": "archive", "path": str(path), "application_id": APPLICATION, **settings.get("source", {}),
    }  # fmt: skip
    return pipeline.write()


# Its numbers ---------------------------------------------------------------------------------------------------------


def unzstd(data):
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()


class Listed:
    """One name of a folder, as the rules say it: hidden and excluded ones have a number and nothing else."""

    def __init__(self, folder, name, excluded=()):
        self.name, self.path = name, folder / name
        self.left_out = any(part.startswith(".") or part in excluded for part in name.split("/"))
        data = b"" if self.left_out else self.path.read_bytes()
        text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else unzstd(data) if "zst" in name else data
        self.records = [text for text in text.split(b"\n") if text.strip()]
        self.is_read = bool(self.records) and not self.left_out


def listing(folder, excluded=()):
    names = set()
    for path, folders, files in os.walk(folder):
        here = os.path.relpath(path, folder)
        closed = [name for name in folders if name.startswith(".") or name in excluded]
        folders[:] = [name for name in folders if name not in closed]
        names.update(os.path.normpath(os.path.join(here, name)) for name in [*files, *closed])
    return [Listed(folder, name, excluded) for name in sorted(names, key=os.fsencode)]


def numbered(files):
    return [(number * SPAN + place, text) for number, file in enumerate(files) for place, text in enumerate(file.records)]


def ordinals(folder):
    """Of all lines below a folder, in order."""
    return [ordinal for ordinal, _ in numbered(listing(folder))]


# What must come of it ------------------------------------------------------------------------------------------------


def flattened(document, ordinal, run_id, logical_date, append=False):
    """The rows of one line, by table."""
    oracle.RUN, oracle.DATE, oracle.ORDINAL = run_id, logical_date, ordinal
    flattening = oracle.Flattening(append)
    flattening.endpoint(oracle.parse(document.decode()), None, APPLICATION)
    return flattening.tables


def merged(lines, run_id, logical_date, conflict="newest", append=False, numbers=None):
    """All rows of the endpoint tables of a store with keys, once these lines were read in this order; `numbers` are their
    ordinals."""
    winners = {}
    for ordinal, text in zip(numbers or range(len(lines)), lines, strict=True):
        document = json.loads(text)
        identity, date = document["Id"], document.get("EffectiveDate", "")
        if conflict == "newest" and identity in winners and date < winners[identity][0]:
            continue
        winners[identity] = (date, ordinal, text)
    tables = {table: [] for table in PARTS}
    for _, ordinal, text in winners.values():
        for table, rows in flattened(text.strip(), ordinal, run_id, logical_date, append).items():
            if table in tables:
                tables[table] += rows
    return tables


def compare(read, want, without=()):
    """Fails at the first row that isn't as it should be. `read` gives a table's rows in the columns' order."""
    for table in PARTS:
        names = TABLES[table]
        kept = [place for place, name in enumerate(names) if name not in without]
        rows = [[cell(names[place], row[place]) for place in kept] for row in read(table)]
        right = [[cell(names[place], row[place]) for place in kept] for row in want[table]]
        for row, other in zip(sorted(rows, key=repr), sorted(right, key=repr), strict=False):
            assert row == other, f"{table}:\n  stored   {row}\n  expected {other}"
        assert len(rows) == len(right), f"{table}: {len(rows)} rows, {len(right)} expected"


def cell(name, value):
    if name != "extra":
        return value
    if isinstance(value, str):
        value = json.loads(value)
    return json.dumps(value, sort_keys=True)

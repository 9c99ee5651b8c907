"""The same user IDs as every reader takes them: files of all kinds, standard input, databases."""

import csv
import gzip
import io
import json
import os
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import zstandard
from support.postgres import literal

#: What makes an ID hard to carry: each form is prolonged by a number.
HURTFUL = [
    "ünï-{}", "日本語 {}", "😀{}", "a,b;c|{}", 'say "{}"', "it's {}", " leading {}", "trailing {} ", "tab\t{}",
    "'{}'", '"{}"', "e\u0301{}", "a%2Fb{}", "a+b/{}?c#d&e={}", "\\N{}", "\\{}\\", "{}NULL", "0{}", "-{}",
    "=1+{}", "{{}}{}", "\u2028{}", "$1{}", "\x7f{}", "\U0010ffff{}", "jane.doe+{}@example.com",
]  # fmt: skip


def identities(count, plain=False):
    """(IDs in the order of their bytes, how many of them the synthetic server knows).

    A half are the server's users, the rest texts that hurt; `plain` ones hold no white space.
    """
    known = count // 2
    forms = [form for form in HURTFUL if not plain or not any(character.isspace() for character in form)]
    others = (forms[number % len(forms)].format(number, number) for number in range(count - known))
    result = sorted({f"user-{number:06d}" for number in range(known)} | set(others), key=str.encode)
    assert len(result) == count
    return result, known


@dataclass
class Input:
    """A reader's options, and what goes to standard input."""

    name: str
    options: dict
    stdin: Path = None
    #: Whether it is kept aside while a run lasts.
    spooled: bool = False
    #: Where it is asked for, in Postgres.
    database: object = None

    def run(self, sluice, pipeline, *arguments, **options):
        """Runs to the end."""
        return self.start(sluice, pipeline, *arguments, **options).wait()

    def start(self, sluice, pipeline, *arguments, **options):
        if not self.stdin:
            return sluice.start_run(pipeline, *arguments, **options)
        with open(self.stdin, "rb") as file:
            return sluice.start_run(pipeline, *arguments, stdin=file, **options)


def file_input(folder, name, file, data, **options):
    path = Path(folder) / file
    path.write_bytes(data)
    return Input(name, {"type": "file", "path": str(path), **options})


def files(folder, ids, dice):
    """Every way in which a file holds the IDs, and standard input."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    lines = "".join(f"{identity}\n" for identity in ids).encode()
    result = [
        file_input(folder, "lines", "lines.txt", lines),
        file_input(
            folder, "lines, CRLF, BOM, no end", "crlf.txt", b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n")[:-2]
        ),
        file_input(folder, "lines with a header", "header.txt", b"User.UserId\n" + lines, header=True),
        file_input(folder, "gzip members", "members.txt.gz", gzip_members(lines, dice, 7)),
        file_input(folder, "gzip by another name", "odd name.txt", gzip.compress(lines)),
        file_input(folder, "zstd frames", "frames.txt.zst", zstd_frames(lines, dice, 7)),
        file_input(folder, "zstd by another name", "odd.csv.gz", zstd_frames(table(ids, ","), dice, 3), column="user id"),
        file_input(folder, "csv", "comma.csv", table(ids, ","), column="user id"),
        file_input(folder, "csv ; found", "semicolon.csv", table(ids, ";"), column="user id"),
        file_input(folder, "csv tab found", "tab.csv", table(ids, "\t"), column="user id"),
        file_input(
            folder, "csv | given, by number", "bar.csv", table(ids, "|"), column="2", header=True, separator="|"
        ),
        file_input(
            folder, "csv of a spreadsheet", "sheet.csv.gz",
            gzip_members(b"\xef\xbb\xbf" + table(ids, ";", "\r\n", csv.QUOTE_ALL), dice, 3), column="user id",
            separator=";",
        ),
        file_input(
            folder, "csv without a header", "bare.data", table(ids, "\t").split(b"\n", 1)[1], format="csv",
            separator="tab", column="2", header=False,
        ),
        file_input(folder, "ndjson", "path.ndjson", documents(ids), column="User.UserId"),
        file_input(
            folder, "ndjson escaped", "escaped.jsonl.gz", gzip.compress(documents(ids, True)), column=["User", "UserId"]
        ),
    ]  # fmt: skip
    (folder / "stdin").write_bytes(lines)
    (folder / "stdin.gz").write_bytes(gzip.compress(table(ids, ",")))
    (folder / "stdin.zst").write_bytes(zstd_frames(lines, dice, 4))
    result += [
        Input("standard input", {"type": "file", "path": "-", "format": "lines"}, folder / "stdin", spooled=True),
        Input(
            "csv.gz at standard input", {"type": "file", "path": "-", "format": "csv", "column": "user id"},
            folder / "stdin.gz", spooled=True,
        ),
        Input("zstd at standard input", {"type": "file", "path": "-", "format": "lines"}, folder / "stdin.zst", spooled=True),
    ]  # fmt: skip
    return result


def whitespace_list(folder, ids, dice):
    """Several IDs on a line, as Pinpoint's own lists may have them."""
    text = "User.UserId\n" + "".join(identity + dice.choice([" ", "\t", "  ", "\n", "\r\n"]) for identity in ids)
    options = {"format": "lines", "separator": "whitespace", "header": True}
    return file_input(folder, "white space", "list.txt", text.encode(), **options)


def table(ids, separator, end="\n", quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow(["name", "user id", "note"])
    for number, identity in enumerate(ids):
        # Line breaks within quotes now and then.
        writer.writerow([f"N. {number}", identity, "of\ntwo lines" if number % 11 == 5 else ""])
    return text.getvalue().encode()


def documents(ids, escaped=False):
    rows = ({"Id": str(number), "User": {"Other": [1], "UserId": identity}} for number, identity in enumerate(ids))
    return "".join(json.dumps(row, ensure_ascii=escaped) + "\n" for row in rows).encode()


def gzip_members(data, dice, members):
    """gzip of several members, cut anywhere, an empty one among them."""
    return b"".join(gzip.compress(part, mtime=0) for part in cut(data, dice, members))


def zstd_frames(data, dice, frames):
    """zstd of several frames, cut anywhere, an empty one and a skippable one among them, some without size or checksum."""
    result = []
    for part in cut(data, dice, frames):
        packer = zstandard.ZstdCompressor(
            level=dice.choice([1, 3, 19]), write_checksum=dice.random() < 0.5, write_content_size=dice.random() < 0.5
        )
        result.append(packer.compress(part))
    result.insert(dice.randrange(len(result) + 1), skippable(b"aside"))
    return b"".join(result)


def skippable(content, number=0):
    """A frame that readers of zstd pass over (RFC 8878, 3.1.2)."""
    return struct.pack("<II", 0x184D2A50 + number, len(content)) + content


def cut(data, dice, parts):
    places = sorted(dice.randrange(len(data)) for _ in range(parts - 2))
    result = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
    result.insert(dice.randrange(len(result) + 1), b"")
    return result


QUERY = "SELECT id FROM people WHERE id IS NOT NULL"


def sqlite_input(folder, ids, dice, query=QUERY):
    """A table in any order, with repeats."""
    Path(folder).mkdir(exist_ok=True)
    path = Path(folder) / "people.sqlite"
    fill_sqlite(path, ids, dice)
    return Input("sqlite", {"type": "sqlite", "path": str(path), "query": query}, spooled=True)


def fill_sqlite(path, ids, dice):
    rows = [(identity,) for identity in [*ids, *dice.sample(ids, len(ids) // 10)]]
    dice.shuffle(rows)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE IF EXISTS people")
        # A collation that the order must not follow.
        connection.execute("CREATE TABLE people (id TEXT COLLATE NOCASE, name TEXT)")
        connection.executemany("INSERT INTO people VALUES (?, 'somebody')", rows)
        connection.commit()


def postgres_input(database, ids, dice, query=QUERY):
    fill_postgres(database, ids, dice)
    return Input("postgres", {"type": "postgres", "url": database.url(), "query": query}, spooled=True, database=database)


def fill_postgres(database, ids, dice):
    rows = [*ids, *dice.sample(ids, len(ids) // 10)]
    dice.shuffle(rows)
    statements = ["DROP TABLE IF EXISTS people", "CREATE TABLE people (id text, name text)"]
    for start in range(0, len(rows), 500):
        values = ",".join(f"({literal(identity)})" for identity in rows[start : start + 500])
        statements.append(f"INSERT INTO people (id) VALUES {values}")
    database.psql(*statements, "GRANT SELECT ON people TO PUBLIC")


# The spool -----------------------------------------------------------------------------------------------------------


def spools(pipeline):
    """The files that are kept aside in a pipeline's state directory, whose permissions are checked on the way."""
    folder = pipeline.folder / ".sluice"
    if not folder.exists():
        return []
    assert os.stat(folder).st_mode & 0o777 == 0o700, f"{folder} is open to others"
    found = sorted(folder.rglob("*.spool*"))
    for path in found:
        assert os.stat(path).st_mode & 0o777 == 0o600, f"{path} is open to others"
    return found

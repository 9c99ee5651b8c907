"""What files of NDJSON hold.

Compared byte for byte: the order of rows, the order of keys and the spelling of values are the contract of these files,
and Python's json spells clean values the same way.
"""

import hashlib
import subprocess

READERS = {".gz": ["gzip", "-dc"], ".zst": ["zstd", "-dcq"], ".ndjson": ["cat"]}
TABLES = ["endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures"]


def content(find):
    """{table: (rows, hash)}, given what finds a table's files. A table without files has no rows."""
    answers = {}
    for table in TABLES:
        rows, digest = 0, hashlib.sha256()
        for text in texts(find(table), lambda output: iter(lambda: output.read(1 << 20), b"")):
            rows += text.count(b"\n")
            digest.update(text)
        answers[table] = (rows, digest.hexdigest())
    return answers


def texts(paths, read):
    """What `read` makes of each file's text, file by file."""
    for path in sorted(paths):
        with subprocess.Popen([*READERS[path.suffix], path], stdout=subprocess.PIPE) as reader:
            yield from read(reader.stdout)
        if reader.returncode != 0:
            raise RuntimeError(f"{path.name} can't be read")


def of_shards(folder):
    """The files of all published runs, in whatever order their rows are."""
    answers = {}
    for table in TABLES:
        rows = total = 0
        for line in texts(folder.glob(f"runs/*/{table}/*.ndjson*"), iter):
            rows += 1
            total += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")
        answers[table] = (rows, f"{total:x}")
    return answers


def ours(folder):
    """The files of the published run."""
    return content(lambda table: (folder / "current" / table).glob("*.ndjson*"))


def theirs(folder):
    return content(lambda table: folder.glob(f"{table}.ndjson*"))

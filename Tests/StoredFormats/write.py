#!/usr/bin/env python3
"""Writes stores of every kind and state with the program as it is now, to be kept for the versions that follow.

    SLUICE_BIN=.build/release/sluice .venv/bin/python Tests/StoredFormats/write.py VERSION

A folder `VERSION` is made beside this file, once: what a released version wrote must be readable for ever, so nothing in
it is changed afterwards. The program needs the trait Failpoints (a run is killed in the middle of a commit). Each case is
a tar archive, because a store holds links, modes, and hidden folders. `SHA256SUMS` has the archives' sums and those of all
files in them.

The API is played by a server that answers from `answers.json`: `first` and `second` are the two nights' answers, by user.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "EndToEnd"))

from support.postgres import ROLE, Cluster  # noqa: E402
from support.scripted_server import Answer, ScriptedServer  # noqa: E402
from support.sluice import APPLICATION, Sluice, SyntheticServer  # noqa: E402

USERS = [f"user-{number:06d}" for number in range(36)]
#: Two whom the service refuses and one that no request can name: rows of `failures`.
FAILING = ["odd-bad-request", "odd-id-null", "."]
NIGHTS = {"first": "2026-01-01", "second": "2026-01-02"}
#: Reached once in each commit, with rows and checkpoint of the batch not durable yet.
IN_COMMIT = {
    "sqlite": "sqlite.commit.before", "postgres": "postgres.commit.before", "ndjson": "ndjson.commit.before-data-fsync",
}  # fmt: skip


def recorded(sluice, folder):
    """What the synthetic server answers in the two nights; some users' endpoints change, some are gone."""
    nights = {}
    for night, seed in (("first", 1), ("second", 2)):
        server = SyntheticServer(sluice, folder / night, users=60, seed=seed)
        answers = {}
        for number, user in enumerate(USERS + FAILING[:-1]):
            if night == "second" and number % 3:
                answers[user] = nights["first"][user]
                continue
            url = f"{server.url}/v1/apps/{APPLICATION}/users/{quote(user, safe='')}"
            try:
                with urllib.request.urlopen(url) as answer:
                    status, body, headers = answer.status, answer.read(), answer.headers
            except urllib.error.HTTPError as answer:
                status, body, headers = answer.code, answer.read(), answer.headers
            code = headers.get("x-amzn-ErrorType")
            answers[user] = {"status": status, "body": base64.b64encode(body).decode(), "code": code}
        nights[night] = answers
        server.stop()
    return nights


def archive_lines(nights, night):
    """Each endpoint of a night's answers as a line of a segment export."""
    for answer in nights[night].values():
        if answer["status"] == 200:
            for item in json.loads(base64.b64decode(answer["body"]))["Item"] or []:
                line = json.dumps(item)
                # Python has a spelling of its own for numbers beyond a double.
                if isinstance(item.get("Id"), str) and "Infinity" not in line:
                    yield line


class Writer:
    def __init__(self, version, scratch):
        # Moved into place when all of it is written: half of a version's stores must not pass for all.
        self.place, self.out, self.scratch = HERE / version, scratch / "stores", scratch
        self.sluice = Sluice(os.path.abspath(os.environ["SLUICE_BIN"]), scratch)
        self.nights = recorded(self.sluice, scratch)
        self.server = ScriptedServer(self.answer)
        self.night = "first"
        self.cluster = Cluster()
        self.sums = []

    def answer(self, request):
        answer = self.nights[self.night].get(request.user)
        if not answer:
            return Answer(404, b'{"Message":"no such user"}', {"x-amzn-ErrorType": "NotFoundException"})
        headers = {"x-amzn-ErrorType": answer["code"]} if answer["code"] else {}
        return Answer(answer["status"], base64.b64decode(answer["body"]), headers)

    def case(self, store, mode, state, source="list", layout="normalized"):
        """One store in one state: input, pipeline and store as they lie when the last process has ended or was killed."""
        name = f"{store}-{mode}-{state}" + ("" if source == "list" else f"-{source}")
        name += "" if layout == "normalized" else f"-{layout}"
        folder = self.scratch / "cases" / name
        folder.mkdir(parents=True)
        database = self.cluster.database() if store == "postgres" else None
        sink = {
            "sqlite": {"type": "sqlite", "path": "store/endpoints.sqlite", "mode": mode},
            "ndjson": {"type": "ndjson", "path": "store/endpoints", "mode": mode},
            "postgres": {"type": "postgres", "url": "${DATABASE_URL}", "schema": "pinpoint", "mode": mode},
        }[store]
        document = {
            "pipeline": "kept", "source": self.source(folder, source), "flatten": {"layout": layout}, "sinks": [sink],
            "batch_size": 10,
        }  # fmt: skip
        environment = {"SOURCE_URL": self.server.url}
        if database:
            environment["DATABASE_URL"] = database.url()
        exits = {"complete": 0, "failures": 65, "unpublished": 65, "running": -9}
        self.night = "first"
        if state == "unpublished":  # of the first night something is published, and the second one's content waits
            self.configure(folder, document, accept_failed=3)
            self.run(folder, "first", environment, 0)
        self.configure(folder, document, accept_failed=0 if state in ("failures", "unpublished") else 3)
        if state != "unpublished":
            self.run(folder, "first", environment, 65 if state == "failures" else 0)
        self.night = "second"
        if source == "archive":
            self.fill_archive(folder, "second")
        if state == "running":
            environment["SLUICE_FAILPOINT"] = f"{IN_COMMIT[store]}#3=kill"
        self.run(folder, "second", environment, exits[state])
        if database:
            self.dump(database, folder / "store.sql")
        self.pack(folder, name)

    def configure(self, folder, document, accept_failed):
        document["limits"] = {"max_failed": "100%", "max_removed": "100%", "accept_failed": accept_failed}
        (folder / "pipeline.yaml").write_text(json.dumps(document, indent=2) + "\n")

    def source(self, folder, kind):
        if kind == "archive":
            self.fill_archive(folder, "first")
            return {"type": "archive", "path": "exports/", "application_id": APPLICATION}
        users = USERS + FAILING
        (folder / "users.txt").write_text("".join(f"{user}\n" for user in users))
        reader = {"type": "file", "path": "users.txt"}
        if kind == "query":
            values = ", ".join(f"('{user}')" for user in users)
            script = f"CREATE TABLE people (id TEXT); INSERT INTO people VALUES {values};"
            subprocess.run(["sqlite3", folder / "people.sqlite", script], check=True)
            reader = {"type": "sqlite", "path": "people.sqlite", "query": "SELECT id FROM people"}
        return {
            "type": "pinpoint", "application_id": APPLICATION, "region": "eu-central-1", "endpoint_url": "${SOURCE_URL}",
            "users": reader, "retry": {"max_attempts": 2},
        }  # fmt: skip

    def fill_archive(self, folder, night):
        (folder / "exports").mkdir(exist_ok=True)
        lines = [*archive_lines(self.nights, night), "not an endpoint"]
        for number in range(3):
            with open(folder / "exports" / f"part-{number}.gz", "wb") as out:
                text = "".join(f"{line}\n" for line in lines[number::3])
                out.write(gzip.compress(text.encode(), mtime=0))

    def run(self, folder, night, environment, code):
        result = self.sluice(
            "run", folder / "pipeline.yaml", "--logical-date", NIGHTS[night], "--output", "json",
            environment=environment,
        )  # fmt: skip
        assert result.code == code, f"{folder.name}: {result.code}, not {code}\n{result.err}"

    def dump(self, database, path):
        environment = {**os.environ, "PGPASSWORD": self.cluster.super_password, "HOME": str(self.scratch)}
        command = ["pg_dump", "-h", self.cluster.folder, "-p", str(self.cluster.port), "-U", "admin", "--schema=pinpoint"]
        with open(path, "wb") as out:
            subprocess.run([*command, database.name], env=environment, stdout=out, check=True)
        assert ROLE in path.read_text()

    def pack(self, folder, name):
        path = self.out / f"{name}.tar.gz"
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as packed:
            for entry in sorted(folder.rglob("*")):
                information = packed.gettarinfo(entry, arcname=str(entry.relative_to(folder)))
                information.uid = information.gid = 0
                information.uname = information.gname = "root"
                if information.isreg():
                    with open(entry, "rb") as file:
                        packed.addfile(information, file)
                    digest = hashlib.sha256(entry.read_bytes()).hexdigest()
                    self.sums.append(f"{digest}  {name}/{information.name}")
                else:
                    packed.addfile(information)
        path.write_bytes(gzip.compress(content.getvalue(), mtime=0))
        self.sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
        print(path.name, path.stat().st_size, flush=True)

    def write(self):
        self.out.mkdir()
        (self.out / "answers.json").write_text(json.dumps(self.nights, indent=1, sort_keys=True) + "\n")
        for store in ("sqlite", "postgres", "ndjson"):
            modes = ["append", "replace"] if store == "ndjson" else ["merge", "append", "replace"]
            for mode in modes:
                for state in ("complete", "running"):
                    self.case(store, mode, state)
                self.case(store, mode, "unpublished" if mode == "replace" else "failures")
            for state in ("complete", "running"):
                self.case(store, modes[0], state, source="archive")
                self.case(store, modes[0], state, layout="document")
            self.case(store, modes[0], "running", source="query")
        digest = hashlib.sha256((self.out / "answers.json").read_bytes()).hexdigest()
        self.sums.append(f"{digest}  answers.json")
        (self.out / "SHA256SUMS").write_text("\n".join(sorted(self.sums, key=lambda line: line.split("  ")[1])) + "\n")
        shutil.move(self.out, self.place)


def main():
    if len(sys.argv) != 2 or "SLUICE_BIN" not in os.environ:
        sys.exit(__doc__)
    if (HERE / sys.argv[1]).exists():
        sys.exit(f"{HERE / sys.argv[1]} is there already, and stays as it is")
    scratch = Path(tempfile.mkdtemp(prefix="sluice-stored-formats-"))
    writer = Writer(sys.argv[1], scratch)
    try:
        writer.write()
    finally:
        writer.server.stop()
        writer.sluice.stop_all()
        writer.cluster.remove()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()

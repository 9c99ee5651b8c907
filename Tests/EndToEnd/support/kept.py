"""The stores that earlier versions wrote (`Tests/StoredFormats`), taken out of their archives and put to work."""

import base64
import gzip
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

from support.kills import NDJSONPlace, SQLitePlace
from support.postgres_place import PostgresPlace
from support.scripted_server import Answer, ScriptedServer
from support.stores import reading

KEPT = Path(__file__).resolve().parents[2] / "StoredFormats"
VERSIONS = sorted(path.name for path in KEPT.iterdir() if (path / "SHA256SUMS").exists())
CASES = [
    f"{version}/{path.name.removesuffix('.tar.gz')}"
    for version in VERSIONS
    for path in sorted((KEPT / version).glob("*.tar.gz"))
]


class Nights:
    """The API as it was in the nights when the stores were written; `night` says which it is now."""

    def __init__(self, version):
        self.nights = json.loads((KEPT / version / "answers.json").read_text())
        self.night = "second"
        self.server = ScriptedServer(self.answer)
        self.url = self.server.url

    def answer(self, request):
        answer = self.nights[self.night].get(request.user)
        if not answer:
            return Answer(404, b'{"Message":"no such user"}', {"x-amzn-ErrorType": "NotFoundException"})
        headers = {"x-amzn-ErrorType": answer["code"]} if answer["code"] else {}
        return Answer(answer["status"], base64.b64decode(answer["body"]), headers)

    def fill_archive(self, folder):
        """The night's answers as segment exports, as `write.py` made them."""
        lines = []
        for answer in self.nights[self.night].values():
            if answer["status"] != 200:
                continue
            for item in json.loads(base64.b64decode(answer["body"]))["Item"] or []:
                line = json.dumps(item)
                if isinstance(item.get("Id"), str) and "Infinity" not in line:
                    lines.append(line)
        lines.append("not an endpoint")
        for number in range(3):
            text = "".join(f"{line}\n" for line in lines[number::3])
            (folder / "exports" / f"part-{number}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))

    def stop(self):
        self.server.stop()


class KeptStore:
    """One store with its pipeline and input, in a folder of its own."""

    def __init__(self, case, folder, postgres, sluice, nights, fresh=False):
        """`fresh`: pipeline and input alone, and nothing where the store was."""
        version, self.name = case.split("/")
        self.kind, self.mode, self.state = self.name.split("-")[:3]
        self.is_archive = self.name.endswith("-archive")
        self.folder, self.sluice, self.nights = folder, sluice, nights
        folder.mkdir(parents=True)
        with tarfile.open(KEPT / version / f"{self.name}.tar.gz") as packed:
            members = [member for member in packed if not (fresh and member.name.split("/")[0].startswith("store"))]
            packed.extractall(folder, members, filter="data")
        self.environment = {"SOURCE_URL": nights.url}
        if self.kind == "postgres":
            self.database = postgres()
            self.environment["DATABASE_URL"] = self.database.url()
            if not fresh:
                with open(folder / "store.sql", "rb") as script:
                    command = self.database.cluster.psql_command(self.database.name)
                    environment = self.database.cluster.psql_environment()
                    subprocess.run(command, stdin=script, env=environment, check=True, capture_output=True)
            self.place = PostgresPlace(self.database, self.mode)
        elif self.kind == "sqlite":
            self.place = SQLitePlace(folder / "store", self.mode)
        else:
            self.place = NDJSONPlace(folder / "store" / "endpoints", self.mode)

    @property
    def pipeline(self):
        return self.folder / "pipeline.yaml"

    @property
    def document(self):
        return json.loads(self.pipeline.read_text())

    def accept(self, failures):
        document = self.document
        # One of them is no usable ID, which 0.1 didn't tell from other failures.
        document["limits"].update(accept_failed=failures, accept_invalid=1)
        self.pipeline.write_text(json.dumps(document, indent=2) + "\n")

    def __call__(self, command, *options, **changes):
        return self.sluice(command, self.pipeline, *options, environment={**self.environment, **changes})

    def run(self, night, date, *options, **changes):
        """`sluice run` with the answers of a night; None as the date resumes what is unfinished."""
        self.nights.night = night
        if self.is_archive:
            self.nights.fill_archive(self.folder)
        dated = ["--logical-date", date] if date else []
        return self("run", *dated, "--output", "json", *options, **changes)

    def columns(self, table):
        if self.kind == "sqlite":
            return reading(self.place).columns(table)
        return [name for name, _ in self.place.store.columns(table)]

    def bytes(self):
        """All that is stored, by its place; what SQLite and locks keep for the moment is left out."""
        if self.kind == "postgres":
            environment = self.database.cluster.psql_environment()
            cluster = self.database.cluster
            command = ["pg_dump", "-h", cluster.folder, "-p", str(cluster.port), "-U", "admin", self.database.name]
            dump = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
            # Newer versions of pg_dump begin with a key made at random.
            return {"dump": b"\n".join(line for line in dump.split(b"\n") if b"restrict" not in line)}
        found = {}
        for path in sorted((self.folder / "store").rglob("*")):
            name = str(path.relative_to(self.folder))
            if path.is_symlink():
                found[name] = str(path.readlink())
            elif path.is_file() and not name.endswith(("-shm", ".lock")):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


__all__ = ["CASES", "KEPT", "VERSIONS", "KeptStore", "Nights"]

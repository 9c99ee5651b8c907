"""Where a bench works: its folders, its sizes, the program, and the servers that several rows share."""

import functools
import json
import shutil
import sqlite3
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from .data.population import APPLICATION
from .measuring import clean_environment, measure
from .servers.postgres import SCHEMA, Cluster
from .stores import sqlite

PEERS = Path(__file__).resolve().parent.parent / "peers"
RUN = "bench-20261123T000000Z"
DATE = "2026-11-23T00:00:00.000Z"
#: How often each side of a comparison runs, unless said otherwise.
ROUNDS = {"tiny": 1, "quick": 2, "full": 5}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDBENCHMARK",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Workbench:
    """`size` is one of tiny, quick and full."""

    def __init__(self, work, sluice, json_check, size, runs, say):
        self.work, self.sluice, self.json_check, self.size, self.say = Path(work), sluice, json_check, size, say
        self.runs = runs
        self.servers = ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.close()

    def sized(self, tiny, quick, full):
        return {"tiny": tiny, "quick": quick, "full": full}[self.size]

    def folder(self, name):
        """An empty folder."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        path.chmod(0o755)
        return path

    def clear(self):
        """Takes away what a row has left."""
        for path in self.work.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    @functools.cached_property
    def postgres(self):
        cluster = Cluster()
        self.servers.callback(cluster.stop)
        return cluster

    # Ours ------------------------------------------------------------------------------------------------------------

    def pipeline(self, folder, source, sinks, **more):
        """A pipeline's file; what isn't said is what users get."""
        document = {"pipeline": "bench", "source": source, "sinks": sinks, **more}
        path = folder / "pipeline.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def run(self, folder, source, sinks, *options, date=DATE, pipeline=None, **measured):
        """A whole run of the program in a folder; the summary is among the sample's facts."""
        path = self.pipeline(folder, source, sinks, **(pipeline or {}))
        command = [self.sluice, "run", path, "--output", "json", "--logical-date", date, *options]
        sample = measure(command, folder, environment=clean_environment(folder, **CREDENTIALS), **measured)
        summary = json.loads((folder / "stdout").read_text(encoding="utf-8"))
        sample.facts = {"records": summary["records"], "rows": sum(summary["rows"].values())}
        if summary["exit_code"] != 0 or summary["failed"]:
            raise RuntimeError(f"a run isn't whole: {summary['failed']} failed, exit code {summary['exit_code']}")
        return sample

    def archive_source(self, path):
        return {"type": "archive", "path": str(path), "application_id": APPLICATION}

    def api_source(self, url, users, **more):
        source = {"type": "pinpoint", "application_id": APPLICATION, "region": "eu-central-1", "endpoint_url": url}
        limit = {"requests_per_second": 100000, "burst": 1000}
        return {**source, "users": {"type": "file", "path": str(users)}, "rate_limit": limit, **more}

    def postgres_sink(self, database, mode):
        return {"type": "postgres", "url": self.postgres.url(database), "schema": SCHEMA, "mode": mode}

    # Theirs ----------------------------------------------------------------------------------------------------------

    def python(self, peer, *arguments):
        return [sys.executable, "-B", PEERS / peer, *arguments]


    def sqlite_schema(self, archive, mode):
        """A file with the statements that make the program's tables, taken from a database that it made."""
        path = self.work / f"schema-{mode}.sql"
        if not path.exists():
            folder = self.folder("schema")
            self.run(folder, self.archive_source(archive), [{"type": "sqlite", "path": "out.sqlite", "mode": mode}])
            path.write_text(sqlite.statements(folder / "out.sqlite"), encoding="utf-8")
            shutil.rmtree(folder)
        return path

    def sqlite_tables(self, database, schema):
        """Empty tables, made by the same statements."""
        with closing(sqlite3.connect(database)) as store:
            store.executescript(Path(schema).read_text(encoding="utf-8"))

    def ready_csv(self, archive, mode, name):
        """A folder with the rows of an archive as CSV; made in no time that counts."""
        folder = self.folder(name)
        measure(self.python("archive_to_csv.py", archive, folder, RUN, DATE, mode), folder)
        return folder

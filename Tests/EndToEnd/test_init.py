"""`sluice init`: what it finds in lists, archives and databases, and that what it writes runs as it is."""

import codecs
import csv
import gzip
import io
import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import zstandard
from ruamel.yaml import YAML
from support.archives import endpoint, line
from support.content import Store
from support.postgres import PASSWORD
from support.scripted_server import endpoints
from support.sluice import APPLICATION

#: What a person has to say beside the input.
SERVICE = ["--application-id", APPLICATION, "--region", "eu-central-1"]


class Desk:
    """A folder in which somebody works."""

    def __init__(self, sluice, folder):
        self.sluice, self.folder = sluice, Path(folder)
        self.folder.mkdir(exist_ok=True)

    def __call__(self, *arguments, environment=None):
        return self.sluice(*arguments, environment=environment, prefix=["env", "-C", str(self.folder)])

    def init(self, *arguments, environment=None):
        return self("init", *arguments, environment=environment)

    def document(self, name):
        with open(self.folder / name) as file:
            return YAML(typ="safe").load(file)

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def desk(sluice, tmp_path):
    return Desk(sluice, tmp_path / "desk")


@pytest.fixture(scope="module")
def ids():
    return [f"user-{number:06d}" for number in range(120)]


def as_csv(rows, **dialect):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", **dialect).writerows(rows)
    return text.getvalue().encode()


def with_names(ids):
    return [["signup", "user_id", "plan"], *([f"2025-01-{n % 28 + 1:02d}", i, "free"] for n, i in enumerate(ids))]


#: A list's name, its bytes, and the reader's options that must come of it, the path aside.
FORMS = {
    "lines": (
        "ids.txt", lambda ids: "\n".join(ids).encode(), {"format": "lines"}),
    "lines with a header, CR LF": (
        "ids.txt", lambda ids: "\r\n".join(["user_id", *ids, ""]).encode(), {"format": "lines", "header": True}),
    "words": (
        "ids.list", lambda ids: " ".join(ids).encode(), {"format": "lines", "separator": "whitespace"}),
    "csv": (
        "people.csv", lambda ids: as_csv(with_names(ids)),
        {"format": "csv", "header": True, "separator": ",", "column": "user_id"}),
    "csv with semicolons, quotes and a byte order mark": (
        "people.csv",
        lambda ids: codecs.BOM_UTF8 + as_csv(with_names(ids), delimiter=";", quoting=csv.QUOTE_ALL),
        {"format": "csv", "header": True, "separator": ";", "column": "user_id"}),
    "csv of Excel": (
        "people.csv", lambda ids: b"sep=|\r\n" + as_csv(with_names(ids), delimiter="|"),
        {"format": "csv", "header": True, "separator": "|", "column": "user_id"}),
    "tabs without a header, by another name": (
        "people", lambda ids: as_csv(([f"2025-01-{n % 28 + 1:02d}", i, "free"] for n, i in enumerate(ids)), delimiter="\t"),
        {"format": "csv", "header": False, "separator": "tab", "column": 2}),
    "csv of one column": (
        "one.csv", lambda ids: as_csv([[i] for i in ["UserId", *ids]]),
        {"format": "csv", "header": True, "separator": ",", "column": "UserId"}),
    "csv with a name that has dots": (
        "dots.csv", lambda ids: as_csv([["n", "app.user_id"], *([n % 7, i] for n, i in enumerate(ids))]),
        {"format": "csv", "header": True, "separator": ",", "column": ["app.user_id"]}),
    "csv with two columns of one name": (
        "twice.csv", lambda ids: as_csv([["user_id", "x", "user_id"], *(["", "y", i] for i in ids)]),
        {"format": "csv", "header": True, "separator": ",", "column": 3}),
    "ndjson": (
        "people.ndjson",
        lambda ids: b"".join(json.dumps({"at": n / 7, "User": {"UserId": i, "Age": n % 9}}).encode() + b"\n"
                             for n, i in enumerate(ids)),
        {"format": "ndjson", "column": "User.UserId"}),
    "ndjson with a name that has dots, by another name": (
        "log", lambda ids: b"".join(json.dumps({"user.id": i, "ok": True}).encode() + b"\n" for i in ids),
        {"format": "ndjson", "column": ["user.id"]}),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("form", FORMS)
def test_a_list(desk, synthetic_once, ids, form, suffix):
    """It is read as it should be, the pipeline is valid as it stands, and it runs."""
    name, content, options = FORMS[form]
    data = content(ids)
    name += suffix
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    (desk.folder / name).write_bytes(pack(data))
    result = desk.init("--from", name, *SERVICE, "--endpoint-url", synthetic_once.url, "it.yaml").expect(0)
    assert not result.err
    assert "user-0" not in result.out, "no ID is printed"
    assert result.out.endswith(
        "Written: it.yaml, sluice.schema.json\n\nNext:\n  sluice check it.yaml\n  sluice run it.yaml\n"
    )
    assert desk.document("it.yaml")["source"]["users"] == {"type": "file", "path": name, **options}
    assert "'it' is valid" in desk("validate", "it.yaml").expect(0).out
    assert "user-0" not in (desk.folder / "it.yaml").read_text()
    summary = desk("run", "it.yaml", "--output", "json").expect(0).summary
    assert (summary["records"], summary["failed"]) == (len(ids), 0)
    store = Store(desk.folder / "out" / "it.sqlite")
    assert [row[0] for row in store.query("SELECT user_id FROM users ORDER BY 1")] == ids


@pytest.fixture
def synthetic_once(synthetic):
    return synthetic(users=120)


def test_the_whole_of_what_is_written(desk, ids):
    """Word for word, so that somebody has read it."""
    (desk.folder / "people.csv").write_bytes(as_csv(with_names(ids)))
    result = desk.init("--from", "people.csv").expect(0)
    assert result.out == (
        "people.csv: CSV with ',' between fields, its first row holds names; 120 records.\n"
        "\n"
        "column   empty  distinct  like IDs\n"
        "───────  ─────  ────────  ────────  ───────\n"
        "signup     0 %      23 %       0 %\n"
        "user_id    0 %     100 %     100 %  ← taken\n"
        "plan       0 %      <1 %     100 %\n"
        "\n"
        "'user_id' is taken for the user IDs: its name says so, no row is without it, no value stands twice. Another "
        "one: --column NAME.\n"
        "\n"
        "Written: people.yaml, sluice.schema.json\n"
        "\n"
        "Next:\n"
        "  export PINPOINT_APP_ID=…   # the application's ID: 'aws pinpoint get-apps' lists them\n"
        "  sluice check people.yaml\n"
        "  sluice run people.yaml\n"
    )
    assert (desk.folder / "people.yaml").read_text() == """\
# yaml-language-server: $schema=sluice.schema.json
# Made by 'sluice init' from people.csv. What an option means: 'sluice plugins'. What is wrong here:
# 'sluice validate people.yaml'.
pipeline: people
source:
  type: pinpoint
  application_id: ${PINPOINT_APP_ID}   # or the ID itself; Pinpoint calls it the project ID
  region: ${AWS_REGION:-us-east-1}   # where the application is
  # endpoint_url: http://127.0.0.1:4100   # a service to ask in place of Amazon Pinpoint
  users:
    type: file
    path: people.csv
    format: csv
    header: true   # the first row holds names
    separator: ","
    column: user_id
  rate_limit: {requests_per_second: 300, burst: 30}   # Pinpoint's quota, for the account and Region
# What is done to each endpoint before anything is written; 'sluice preview people.yaml' shows what is left.
# transforms:
#   - {type: filter, where: {EndpointStatus: [ACTIVE]}}
#   - {type: mask, paths: [Address], with: redact}
sinks:
  - {type: sqlite, path: out/people.sqlite, mode: merge}   # or append: each run's rows; replace: the last run's
# Documents and the rows that are expected of them: 'sluice test people.yaml'.
tests:
  - name: an endpoint with its lists
    user: user-1
    documents:
      - Id: endpoint-1
        ChannelType: EMAIL
        Address: somebody@example.com
        EndpointStatus: ACTIVE
        EffectiveDate: "2026-01-02T03:04:05.678Z"
        Attributes: {interests: [music, books]}
        User: {UserId: user-1, UserAttributes: {plan: [basic]}}
    rows:
      users:
        - {user_id: user-1, status: found, endpoint_count: 1}
      endpoints:   # of each row the columns that matter
        - {endpoint_id: endpoint-1, user_id: user-1, channel_type: EMAIL, address: somebody@example.com}
      endpoint_attributes:
        - {name: interests, position: 0, value: music}
        - {name: interests, position: 1, value: books}
      endpoint_user_attributes:
        - {user_id: user-1, name: plan, position: 0, value: basic}
"""
    assert desk("validate", "people.yaml").code == 78, "the application's ID isn't known yet"
    desk("validate", "people.yaml", environment={"PINPOINT_APP_ID": APPLICATION}).expect(0)
    schema = json.loads((desk.folder / "sluice.schema.json").read_text())
    assert schema == json.loads(desk("schema").expect(0).out)


def test_its_own_test_holds(desk, ids):
    (desk.folder / "ids.txt").write_text("\n".join(ids))
    desk.init("--from", "ids.txt", *SERVICE).expect(0)
    exports = desk.folder / "exports"
    exports.mkdir()
    (exports / "a.json").write_bytes(line(endpoint(1)))
    desk.init("--from", "exports").expect(0)
    desk.init("--from", "exports", "--application-id", APPLICATION, "named.yaml").expect(0)
    for file in ("ids.yaml", "exports.yaml", "named.yaml"):
        desk("test", file).expect(0)


# What is told of a list ------------------------------------------------------------------------------------------


def test_nothing_is_written_over(desk, ids):
    (desk.folder / "ids.txt").write_text("\n".join(ids))
    (desk.folder / "ids.yaml").write_text("mine")
    (desk.folder / "link.yaml").symlink_to("nowhere")
    (desk.folder / "sluice.schema.json").write_text("mine too")
    for file in (["ids.yaml"], [], ["link.yaml"]):
        result = desk.init("--from", "ids.txt", *file).expect(73)
        name = file[0] if file else "ids.yaml"
        assert result.err == (
            f"sluice: error: {name} is there already, and nothing is written over\n"
            "  Name another file, 'sluice init … FILE', or move that one away.\n"
        )
        assert not result.out
    assert (desk.folder / "ids.yaml").read_text() == "mine" and not (desk.folder / "nowhere").exists()
    assert "Written: other.yaml\n" in desk.init("--from", "ids.txt", "other.yaml").expect(0).out
    assert (desk.folder / "sluice.schema.json").read_text() == "mine too"
    missing = desk.init("--from", "ids.txt", "no/such/other.yaml").expect(73)
    assert "the folder no/such, where no/such/other.yaml is to go, doesn't exist" in missing.err


def test_doubts_are_told(desk, synthetic_once):
    """Empty and repeated IDs: counted, provided for, and no reason for the run to stop."""
    rows = [["name", "id"]] + [[n % 3, f"user-{n % 100:06d}" if n % 10 else ""] for n in range(2000)]
    (desk.folder / "some.csv").write_bytes(as_csv(rows))
    result = desk.init("--from", "some.csv", *SERVICE, "--endpoint-url", synthetic_once.url).expect(0)
    assert "Without an ID: 200 records; a run counts each as failed.\n" in result.out
    assert "IDs that repeat: 1,710; 'distinct: true' asks for each once.\n" in result.out
    document = desk.document("some.yaml")
    assert document["source"]["users"]["distinct"] is True
    assert document["limits"] == {"max_failed": "12%", "accept_invalid": "12%"}
    (desk.folder / "few.csv").write_bytes(as_csv([["name", "id"]] + [[n, f"user-{n:06d}"] for n in range(99)] + [["x", ""]]))
    desk.init("--from", "few.csv", *SERVICE, "--endpoint-url", synthetic_once.url).expect(0)
    assert desk("run", "few.yaml", "--output", "json").expect(0).summary["failed"] == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_while_it_writes(desk, ids, number):
    """A file that has a name is whole: half a pipeline would keep the next call from writing one."""
    if not shutil.which("strace"):
        pytest.fail("strace isn't there; install its package, or start the tests with Scripts/test")
    (desk.folder / "ids.txt").write_text("".join(f"{user}\n" for user in ids))
    # Writes are of the two files and of standard output alone.
    trace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=write", "-e", f"inject=write:signal=KILL:when={number}"]
    call = ["init", "--from", "ids.txt", *SERVICE, "killed.yaml"]
    killed = desk.sluice(*call, prefix=["env", "-C", str(desk.folder), *trace])
    assert killed.code == -signal.SIGKILL and "killed.yaml" not in killed.out
    whole = desk.init("--from", "ids.txt", *SERVICE, "whole.yaml").expect(0)
    assert whole.out
    for path in desk.folder.glob("killed.yaml"):
        expected = (desk.folder / "whole.yaml").read_text().replace("whole", "killed")
        assert path.read_text() == expected
    if not (desk.folder / "killed.yaml").exists():
        desk(*call).expect(0)
    desk("validate", "killed.yaml").expect(0)


def test_a_list_without_columns_is_taken_as_it_is(desk):
    """There is no column to name in its place: what makes one wonder is told."""
    (desk.folder / "days.txt").write_text("2025-01-01\n2025-01-02\n")
    result = desk.init("--from", "days.txt", *SERVICE).expect(0)
    assert result.out.startswith(
        "days.txt: an ID on each line; 2 records.\nFew of these look like IDs: they hold blanks, dates or fractions.\n"
    )
    desk("validate", "days.yaml").expect(0)


def test_credentials_for_another_server(desk, ids):
    """Calls are signed, whoever answers: somebody without AWS credentials is told before the first call fails."""
    (desk.folder / "ids.txt").write_text("".join(f"{user}\n" for user in ids))
    own = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": ""}
    url = ["--endpoint-url", "http://127.0.0.1:4100"]
    result = desk.init("--from", "ids.txt", *SERVICE, *url, environment=own).expect(0)
    assert "  export AWS_ACCESS_KEY_ID=…   # calls are signed; a server that doesn't verify that takes any value\n" in result.out
    assert "  export AWS_SECRET_ACCESS_KEY=…   # likewise\n" in result.out
    known = desk.init("--from", "ids.txt", *SERVICE, *url, "b.yaml", environment={"AWS_PROFILE": "exports"}).expect(0)
    assert "AWS_ACCESS_KEY_ID" not in known.out
    assert "AWS_ACCESS_KEY_ID" not in desk.init("--from", "ids.txt", *SERVICE, "c.yaml", environment=own).expect(0).out


def test_a_long_list_is_sampled(desk):
    (desk.folder / "long.txt").write_text("".join(f"user-{number:06d}\n" for number in range(50_000)))
    result = desk.init("--from", "long.txt", *SERVICE).expect(0)
    assert result.out.startswith(
        "long.txt: an ID on each line; the first 10,000 of about 50,000 records were looked at.\n"
    )


def test_a_column_by_name_number_and_path(desk, ids):
    (desk.folder / "a.csv").write_bytes(as_csv(with_names(ids)))
    (desk.folder / "b.ndjson").write_bytes(b'{"user_id":"a","of":{"id":"b"}}\n')
    desk.init("--from", "a.csv", "--column", "plan", "1.yaml").expect(0)
    desk.init("--from", "a.csv", "--column", "1", "2.yaml").expect(0)
    desk.init("--from", "b.ndjson", "--column", "of.id", "3.yaml").expect(0)
    assert [desk.document(f"{n}.yaml")["source"]["users"]["column"] for n in (1, 2, 3)] == ["plan", "signup", "of.id"]
    result = desk.init("--from", "a.csv", "--column", "user-id", "4.yaml").expect(64)
    assert result.err == (
        "sluice: error: a.csv has no column 'user-id'; it has signup, user_id, plan\n  Did you mean 'user_id'?\n"
    )


@pytest.mark.parametrize(
    ("name", "data", "code", "message"),
    [
        ("gone.csv", None, 66, "gone.csv doesn't exist\n  Name a file, a folder, a glob or a database."),
        ("empty.txt", b"", 66, "empty.txt is empty\n  Name a list that holds some user IDs already."),
        (
            "wide.csv", "user_id\nx\n".encode("utf-16"), 66,
            "wide.csv is UTF-16 text; user IDs are read from UTF-8 text, plain, gzip or zstd\n  Convert the file and run again.",
        ),
        (
            "list.json", b'[\n "a",\n "b"\n]\n', 66,
            "list.json looks like one JSON list, and lists of users are read line by line\n"
            "  Write an ID on each line, 'jq -r .[] FILE', or a document on each, 'jq -c .[] FILE'.",
        ),
        (
            "dates.csv", b"day,note\n2025-01-01,all is well\n2025-01-02,all is well\n", 64,
            "no column of dates.csv looks like user IDs; it has day, note\n  Say which one holds them: --column NAME.",
        ),
        (
            "sheet.xlsx", b"PK\x03\x04" + bytes(100), 66,
            "sheet.xlsx is a zip file or a spreadsheet; user IDs are read from UTF-8 text, plain, gzip or zstd\n"
            "  Convert the file and run again.",
        ),
        (
            "header.csv", b"user_id,name\n", 66,
            "header.csv holds no record that can be read, only names of columns: user_id, name\n"
            "  Name a list that holds some user IDs already, and see whether a '\"' in it is never closed.",
        ),
        (
            "open.csv", b'user_id,name\n"a,b\nc,d\n', 66,
            "open.csv holds no record that can be read, only names of columns: user_id, name\n"
            "  Name a list that holds some user IDs already, and see whether a '\"' in it is never closed.",
        ),
    ],
    ids=["missing", "empty", "UTF-16", "a JSON list", "no IDs", "a spreadsheet", "a header", "an open quote"],
)  # fmt: skip
def test_what_is_no_list(desk, name, data, code, message):
    if data is not None:
        (desk.folder / name).write_bytes(data)
    before = desk.names()
    assert desk.init("--from", name).expect(code).err == f"sluice: error: {message}\n"
    assert desk.names() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "s3://bucket/ids.csv"],
         "--from names something that isn't read from where it is: s3:…\n"
         "  Of what is elsewhere only postgresql:// is read; copy it here, or from here, with 'aws s3 cp --recursive'."),
        (["--from", "-"],
         "standard input can't be looked at beforehand\n  Keep its beginning in a file, 'head -n 1000 > ids.txt', and "
         "write 'path: -' into what comes of it."),
        (["--from", "ids.txt", "--to", "out.csv"],
         "nobody can tell from its name what out.csv is to be\n  Name a database, out/endpoints.sqlite; a folder for "
         "NDJSON, out/endpoints/; or a URL, postgresql://…"),
        (["--from", "ids.txt", "--to", "ids.txt"],
         "ids.txt is there, and is no SQLite database\n  Name a database, out/endpoints.sqlite; a folder for NDJSON, "
         "out/endpoints/; or a URL, postgresql://…"),
        (["--from", "ids.txt", "--table", "t"], "--table means nothing here: ids.txt is a list"),
        (["--query", "SELECT 1"], "--query means nothing here: nothing is looked at without --from"),
        (["--from", "postgresql://h:x@y/db"],
         "the URL can't be read: libpq can't read it: postgresql://user:password@host:5432/database, or host=… dbname=… "
         "user=…; write special characters in user and password percent-encoded"),
    ],
    ids=["s3", "standard input", "to a CSV", "to a list", "a table of a list", "a query of nothing", "a broken URL"],
)  # fmt: skip
def test_what_is_told_as_wrong_usage(desk, arguments, message):
    (desk.folder / "ids.txt").write_text("a\nb\n")
    if "h:x@y" in arguments[-1]:
        # libpq reads this one; a port that is none is what it refuses.
        arguments = ["--from", "postgresql://user@host:port/db"]
        assert "port" in desk.init(*arguments).expect(64).err
        return
    assert desk.init(*arguments).expect(64).err == f"sluice: error: {message}\n"
    assert desk.names() == ["ids.txt"]


# Where things go -------------------------------------------------------------------------------------------------


def test_paths_are_relative_to_the_pipeline(desk, synthetic_once, ids):
    (desk.folder / "data").mkdir()
    (desk.folder / "pipelines").mkdir()
    (desk.folder / "data" / "ids.txt").write_text("\n".join(ids))
    desk.init(
        "--from", "data/ids.txt", "--to", "results/endpoints/", *SERVICE, "--endpoint-url", synthetic_once.url,
        "pipelines/Nightly Run.yaml",
    ).expect(0)  # fmt: skip
    document = desk.document("pipelines/Nightly Run.yaml")
    assert document["pipeline"] == "nightly-run"
    assert document["source"]["users"]["path"] == "../data/ids.txt"
    assert document["sinks"] == [{"type": "ndjson", "path": "../results/endpoints/", "mode": "append"}]
    assert (desk.folder / "pipelines" / "sluice.schema.json").exists()
    desk("run", "pipelines/Nightly Run.yaml").expect(0)
    assert (desk.folder / "results" / "endpoints" / "current" / "manifest.json").exists()


def test_names_that_yaml_and_variables_could_misread(desk, ids):
    name = "we: 'say' \"${HOME}\", # {no} & [yes].txt"
    (desk.folder / name).write_text("\n".join(ids))
    desk.init("--from", name, "--to", "a, {b}/", *SERVICE, "it.yaml").expect(0)
    document = desk.document("it.yaml")
    assert document["source"]["users"]["path"] == name.replace("${", "$${")
    assert document["sinks"][0]["path"] == "a, {b}/"
    desk("validate", "it.yaml").expect(0)


def test_an_installed_schema_is_named(desk, ids):
    """Where the program is installed with its schema, nothing is written beside the pipeline."""
    prefix = desk.folder.parent / "usr"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "share" / "sluice").mkdir(parents=True)
    installed = prefix / "share" / "sluice" / "sluice.schema.json"
    installed.write_text("{}")
    try:
        os.link(desk.sluice.binary, prefix / "bin" / "sluice")
    except OSError:
        shutil.copy(desk.sluice.binary, prefix / "bin" / "sluice")
    desk.sluice.binary = str(prefix / "bin" / "sluice")
    (desk.folder / "ids.txt").write_text("\n".join(ids))
    assert "Written: ids.yaml\n" in desk.init("--from", "ids.txt").expect(0).out
    first = (desk.folder / "ids.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={installed}"
    assert desk.names() == ["ids.txt", "ids.yaml"]


def test_without_anything_to_look_at(desk):
    result = desk.init().expect(0)
    assert result.out == (
        "Without --from it is a pipeline to be filled in: users.csv, its column user_id, and Amazon Pinpoint.\n"
        "\n"
        "Written: pipeline.yaml, sluice.schema.json\n"
        "\n"
        "Next:\n"
        "  export PINPOINT_APP_ID=…   # the application's ID: 'aws pinpoint get-apps' lists them\n"
        "  edit pipeline.yaml\n"
        "  sluice check pipeline.yaml\n"
        "  sluice run pipeline.yaml\n"
    )
    desk("validate", "pipeline.yaml", environment={"PINPOINT_APP_ID": APPLICATION}).expect(0)
    assert not desk.init("--quiet", "other.yaml").expect(0).out


# Archives --------------------------------------------------------------------------------------------------------


def exports(folder, applications=(APPLICATION,)):
    """Files of 300 endpoints, with what lies beside them."""
    (folder / "2025").mkdir(parents=True)
    lines = [line(endpoint(n, ApplicationId=applications[n % len(applications)])) for n in range(300)]
    (folder / "2025" / "a.json.gz").write_bytes(gzip.compress(b"".join(lines[:200])))
    (folder / "b.json").write_bytes(b"".join(lines[200:]))
    (folder / "_SUCCESS").touch()
    (folder / ".b.json.crc").write_bytes(b"crc")
    (folder / "chart.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "old.parquet").write_bytes(b"PAR1" + bytes(100))


def test_an_archive(desk):
    exports(desk.folder / "exports")
    result = desk.init("--from", "exports/").expect(0)
    size = sum((desk.folder / "exports" / name).stat().st_size for name in ("2025/a.json.gz", "b.json")) / 1024
    assert result.out == (
        f"exports/: an archive of 2 files, {int(size)} KB; 301 records.\n"
        f"Applications: {APPLICATION}.\n"
        "Left out: 1 name (its name begins with a dot), 1 name (a mark that another program has left), "
        "1 name (a PNG image).\n"
        "Can't be read, a failure each: old.parquet (a Parquet file). 'exclude' in the pipeline leaves them out.\n"
        "\n"
        "Written: exports.yaml, sluice.schema.json\n"
        "\n"
        "Next:\n"
        "  sluice check exports.yaml\n"
        "  sluice run exports.yaml\n"
    )
    document = desk.document("exports.yaml")
    assert document["source"] == {"type": "archive", "path": "exports/", "conflict": "newest"}
    desk("validate", "exports.yaml").expect(0)
    summary = desk("run", "exports.yaml", "--output", "json").expect(65).summary
    assert (summary["found"], summary["failed"], summary["endpoints"]) == (300, 1, 300)
    assert Store(desk.folder / "out" / "exports.sqlite").count("endpoints") == 300
    text = (desk.folder / "exports.yaml").read_text()
    assert "\n  # exclude: [old.parquet]   # what can't be read is a failure, unless it is left out\n" in text
    (desk.folder / "exports.yaml").write_text(text.replace("# exclude", "exclude"))
    desk("run", "exports.yaml", "--fresh").expect(0)
    # What came of it is no table of users by itself.
    assert desk.init("--from", "out/exports.sqlite", "again.yaml").expect(64).err == (
        "sluice: error: out/exports.sqlite holds what a pipeline has written, and no other table of users\n"
        "  If those users are to be asked for again: --table users.\n"
    )
    desk.init("--from", "out/exports.sqlite", "--table", "users", "again.yaml").expect(0)
    query = "SELECT user_id FROM users WHERE user_id IS NOT NULL"
    assert desk.document("again.yaml")["source"]["users"]["query"] == query


@pytest.mark.parametrize("path", ["exports/b.json", "exports/*.json", "exports/**/*.json.gz"])
def test_a_file_and_a_glob_are_archives_too(desk, path):
    exports(desk.folder / "exports")
    assert f"{path}: an archive of 1 file" in desk.init("--from", path, "it.yaml").expect(0).out
    assert desk("run", "it.yaml", "--output", "json").expect(0).summary["failed"] == 0


def test_applications_of_an_archive(desk):
    """Several: each record says its own. None: it has to be said."""
    exports(desk.folder / "two", [APPLICATION, "f" * 32])
    (desk.folder / "none.json").write_bytes(b"".join(line(endpoint(n, ApplicationId=None)) for n in range(9)))
    (desk.folder / "some.json").write_bytes(line(endpoint(1)) + line(endpoint(2, ApplicationId=None)))
    assert f"Applications: {APPLICATION}, {'f' * 32}.\n" in desk.init("--from", "two").expect(0).out
    assert "application_id" not in desk.document("two.yaml")["source"]
    result = desk.init("--from", "none.json").expect(0)
    assert "Applications: 9 endpoints say none.\n" in result.out and "export PINPOINT_APP_ID=…" in result.out
    assert desk.document("none.yaml")["source"]["application_id"] == "${PINPOINT_APP_ID}"
    desk("run", "none.yaml", environment={"PINPOINT_APP_ID": APPLICATION}).expect(0)
    desk.init("--from", "some.json").expect(0)
    assert desk.document("some.yaml")["source"]["application_id"] == APPLICATION
    assert desk("run", "some.yaml", "--output", "json").expect(0).summary["endpoints"] == 2


def test_import_files_are_archives(desk):
    rows = [["Id", "ChannelType", "Address", "User.UserId"], ["e1", "EMAIL", "a@example.com", "u1"]]
    (desk.folder / "import.csv").write_bytes(as_csv(rows))
    assert "import.csv: an archive of 1 file" in desk.init("--from", "import.csv").expect(0).out
    assert desk("run", "import.yaml", environment={"PINPOINT_APP_ID": APPLICATION}).expect(0)


def test_a_pipeline_beside_what_it_reads(desk):
    exports(desk.folder / "exports")
    inside = Desk(desk.sluice, desk.folder / "exports")
    result = inside.init("--from", ".").expect(64)
    assert result.err == (
        "sluice: error: exports.yaml would stand in ., which the pipeline reads, and so would what it writes\n"
        "  Go to another folder and name this one from there, such as: sluice init --from exports/\n"
    )


def test_a_folder_of_lists_is_no_archive(desk):
    (desk.folder / "lists").mkdir()
    (desk.folder / "lists" / "ids.ndjson").write_bytes(b'{"user_id":"a"}\n{"user_id":"b"}\n')
    assert desk.init("--from", "lists").expect(66).err == (
        "sluice: error: lists holds 1 file, but hardly any endpoint\n  An archive is what Pinpoint exported: endpoints as "
        "JSON, or its import CSV. For a list of users, name the file itself.\n"
    )


# Databases -------------------------------------------------------------------------------------------------------

TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT);
CREATE TABLE "order" (order_id INTEGER PRIMARY KEY, user_id INTEGER, total REAL);
CREATE TABLE notes (body TEXT);
CREATE VIEW broken AS SELECT * FROM gone;
"""


def shop(path, tables=TABLES, users=120):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(tables)
        for number in range(users):
            connection.execute("INSERT INTO users VALUES (?, ?, 'x')", (number + 1, f"{number}@example.com"))
            connection.execute('INSERT INTO "order" VALUES (?, ?, 1.5)', (number + 1, number % 10))
        connection.commit()


def test_sqlite(desk, scripted):
    shop(desk.folder / "shop.db")
    server = scripted(lambda request: endpoints(request.user))
    result = desk.init("--from", "shop.db", *SERVICE, "--endpoint-url", server.url).expect(0)
    assert result.out.startswith(
        "shop.db: a database with 4 tables.\n"
        "\n"
        "column          rows  empty  distinct  like IDs\n"
        "──────────────  ────  ─────  ────────  ────────  ───────\n"
        "users.id         120    0 %     100 %     100 %  ← taken\n"
        "order.user_id    120    0 %       8 %     100 %\n"
        "order.order_id   120    0 %     100 %     100 %\n"
        "users.email      120    0 %     100 %     100 %\n"
        "\n"
        "The user IDs: SELECT id FROM users WHERE id IS NOT NULL\n"
        "Another one: --table NAME --column NAME, or --query 'SELECT …'.\n"
    )
    assert desk.document("shop.yaml")["source"]["users"] == {
        "type": "sqlite", "path": "shop.db", "query": "SELECT id FROM users WHERE id IS NOT NULL",
    }  # fmt: skip
    desk("run", "shop.yaml").expect(0)
    assert Store(desk.folder / "out" / "shop.sqlite").count("users") == 120
    desk.init("--from", "shop.db", "--table", "order", "--column", "user_id", *SERVICE, "orders.yaml").expect(0)
    query = 'SELECT user_id FROM "order" WHERE user_id IS NOT NULL'
    assert desk.document("orders.yaml")["source"]["users"]["query"] == query
    desk.init("--from", "shop.db", "--query", "SELECT email FROM users; ", *SERVICE, "mail.yaml").expect(0)
    assert desk.document("mail.yaml")["source"]["users"]["query"] == "SELECT email FROM users; "
    for file in ("orders.yaml", "mail.yaml"):
        desk("validate", file).expect(0)


def test_the_default_output_is_no_database_of_users(desk):
    (desk.folder / "out").mkdir()
    shop(desk.folder / "out" / "shop.sqlite")
    desk.init("--from", "out/shop.sqlite", *SERVICE).expect(0)
    assert desk.document("shop.yaml")["sinks"][0]["path"] == "out/shop-endpoints.sqlite"
    desk("validate", "shop.yaml").expect(0)


def test_a_choice_that_nobody_can_make(desk):
    with closing(sqlite3.connect(desk.folder / "two.db")) as connection:
        connection.executescript(
            "CREATE TABLE users (user_id TEXT PRIMARY KEY); CREATE TABLE app_users (user_id TEXT PRIMARY KEY);"
            "INSERT INTO users VALUES ('a'), ('b'); INSERT INTO app_users VALUES ('c');"
        )
    assert desk.init("--from", "two.db").expect(64).err == (
        "sluice: error: several columns of two.db may hold the user IDs\n"
        "  app_users.user_id: 1 row, 0 % empty, 100 % distinct\n"
        "  users.user_id: 2 rows, 0 % empty, 100 % distinct\n"
        "  Say which one is meant: --table NAME --column NAME, or --query 'SELECT …'.\n"
    )
    assert desk.names() == ["two.db"]
    desk.init("--from", "two.db", "--table", "users").expect(0)
    assert desk.init("--from", "two.db", "--table", "user", "x.yaml").expect(64).err == (
        "sluice: error: two.db has no table 'user'\n  did you mean 'users'?\n"
    )
    assert desk.init("--from", "two.db", "--table", "users", "--column", "userid", "x.yaml").expect(64).err == (
        "sluice: error: two.db has no column 'userid'\n  did you mean 'user_id'?\n"
    )


def test_no_column_is_called_like_an_id(desk):
    with closing(sqlite3.connect(desk.folder / "none.db")) as connection:
        connection.executescript("CREATE TABLE things (colour TEXT, size TEXT);")
    assert desk.init("--from", "none.db").expect(64).err == (
        "sluice: error: no column of none.db is called like a user ID\n"
        "  It holds things (colour, size).\n"
        "  Say which one holds them: --table NAME --column NAME, or --query 'SELECT …'.\n"
    )
    assert desk.init("--from", "none.db", "--query", "SELECT colour, size FROM things").expect(78).err.startswith(
        "sluice: error: none.db: the query gives 2 columns (colour, size), not one\n"
    )


def test_postgres(desk, postgres, synthetic):
    """A password stays out of the file; tables of another schema and a column of UUIDs are found."""
    server, database = synthetic(users=50), postgres()
    database.psql(
        "CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id text)",
        "INSERT INTO orders SELECT n, 'user-' || lpad((n % 7)::text, 6, '0') FROM generate_series(1, 40) AS n",
        "CREATE SCHEMA crm", "GRANT ALL ON SCHEMA crm TO etl",
        'CREATE TABLE crm."Users" ("userId" text UNIQUE, note text)',
        """INSERT INTO crm."Users" SELECT 'user-' || lpad(n::text, 6, '0'), 'x' FROM generate_series(0, 49) AS n""",
        'GRANT SELECT ON orders, crm."Users" TO etl',
        'CREATE TABLE secret_users (user_id text PRIMARY KEY)',
    )  # fmt: skip
    url = database.url()
    place = f"127.0.0.1:{database.cluster.port}/{database.name}"
    arguments = ["--from", url, "--to", url, *SERVICE, "--endpoint-url", server.url, "it.yaml"]
    result = desk.init(*arguments).expect(0)
    assert result.out == (
        f"{place}: a database with 2 tables.\n"
        "\n"
        "column            rows  empty  distinct  like IDs\n"
        "────────────────  ────  ─────  ────────  ────────  ───────\n"
        "crm.Users.userId    50    0 %     100 %     100 %  ← taken\n"
        "orders.user_id      40    0 %      17 %     100 %\n"
        "orders.order_id     40    0 %     100 %     100 %\n"
        "\n"
        'The user IDs: SELECT "userId" FROM crm."Users" WHERE "userId" IS NOT NULL\n'
        "Another one: --table NAME --column NAME, or --query 'SELECT …'.\n"
        "\n"
        "Written: it.yaml, sluice.schema.json\n"
        "\n"
        "Next:\n"
        "  export DATABASE_URL=…   # the URL that you gave --from: it holds a password, so the file doesn't\n"
        "  sluice check it.yaml\n"
        "  sluice run it.yaml\n"
    )
    text = (desk.folder / "it.yaml").read_text()
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert secret not in text + result.out + result.err
    document = desk.document("it.yaml")
    assert document["source"]["users"] == {
        "type": "postgres", "url": "${DATABASE_URL}",
        "query": 'SELECT "userId" FROM crm."Users" WHERE "userId" IS NOT NULL',
    }  # fmt: skip
    assert document["sinks"] == [{"type": "postgres", "url": "${DATABASE_URL}", "schema": "pinpoint", "mode": "merge"}]
    environment = {"DATABASE_URL": url}
    desk("validate", "it.yaml", environment=environment).expect(0)
    assert desk("run", "it.yaml", "--output", "json", environment=environment).expect(0).summary["records"] == 50
    assert database.store().count("users") == 50
    # What was written is no table of users, unless it is named; and who has the variable already isn't told to set it.
    assert "export" not in desk.init(*arguments[:-1], "again.yaml", environment=environment).expect(0).out
    desk.init("--from", url, "--table", "pinpoint.users", *SERVICE, "own.yaml").expect(0)
    query = "SELECT user_id FROM orders WHERE order_id > 20"
    desk.init("--from", url, "--query", query, *SERVICE, "query.yaml").expect(0)
    assert desk.document("query.yaml")["source"]["users"]["query"] == query
    desk.init("--from", url, "--table", "public.orders", "--column", "user_id", *SERVICE, "orders.yaml").expect(0)
    assert desk.document("orders.yaml")["source"]["users"]["query"] == (
        "SELECT user_id FROM orders WHERE user_id IS NOT NULL"
    )


def test_two_databases_with_passwords(desk, postgres):
    database = postgres()
    database.psql("CREATE TABLE users (id bigint PRIMARY KEY)", "GRANT SELECT ON users TO etl")
    target = "postgresql://etl:other@db.example.com/warehouse"
    result = desk.init("--from", database.url(), "--to", target, *SERVICE, "it.yaml").expect(0)
    assert "There are none yet." in result.out and "other" not in result.out
    document = desk.document("it.yaml")
    assert document["source"]["users"]["url"] == "${USERS_DATABASE_URL}"
    assert document["sinks"][0]["url"] == "${DATABASE_URL}"
    # A URL without a password is no secret.
    (desk.folder / "ids.txt").write_text("a\n")
    desk.init("--from", "ids.txt", "--to", "postgresql://etl@db.example.com/warehouse").expect(0)
    assert desk.document("ids.yaml")["sinks"][0]["url"] == "postgresql://etl@db.example.com/warehouse"


def test_a_server_that_is_away(desk):
    result = desk.init("--from", "postgresql://etl@127.0.0.1:1/none").expect(69)
    assert "127.0.0.1:1/none" in result.message and "refused" in result.message.lower()

"""`validate` for machines and for CI, options that the command line sets, pipelines from standard input, and commands that
need the variables of the sinks alone."""

import json
import os
import re
import resource
import tempfile

import pytest

BROKEN = """pipeline: nightly
source: {type: archive, path: in, conflct: last}
sinks: [{type: sqlite, path: out.db, mode: "100%, sure: no"}]
"""
WHOLE = """pipeline: nightly
source:
  type: pinpoint
  application_id: ${APP_ID}
  users: {type: postgres, url: "postgresql://reader:${CRM_PASSWORD}@crm/users", query: SELECT id FROM users}
transforms:
  - {type: mask, paths: [Address, Id], with: hmac-sha256, key: "${file:secrets/key}"}
sinks:
  - {type: sqlite, path: out/endpoints.sqlite}
  - {type: ndjson, name: files, path: "${STORE}/files"}
report: {json: "${REPORTS}/last.json"}
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="nightly.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def stdin_of(text):
    file = tempfile.TemporaryFile()
    file.write(text.encode())
    file.seek(0)
    return file


# MARK: For machines


def test_json(sluice, write, tmp_path):
    path = write(BROKEN)
    good = write("pipeline: good\nsource: {type: archive, path: in}\nsinks: [{type: sqlite, path: good.db}]\n", "good.yaml")
    result = sluice("validate", "--output", "json", path, good, tmp_path / "none.yaml").expect(78)
    assert not result.err
    document = json.loads(result.out)
    assert result.out.count("\n") == 1
    assert document == {
        "valid": False,
        "files": [
            {
                "file": str(path), "valid": False, "pipeline": None,
                "diagnostics": [
                    {
                        "severity": "error", "file": str(path), "line": 2, "column": 35,
                        "message": "unknown option 'conflct'", "hint": "did you mean 'conflict'?",
                    },
                    {
                        "severity": "error", "file": str(path), "line": 3, "column": 44,
                        "message": "'mode' must be one of merge, append, replace, not '100%, sure: no'", "hint": None,
                    },
                ],
            },
            {"file": str(good), "valid": True, "pipeline": "good", "diagnostics": []},
            {
                "file": str(tmp_path / "none.yaml"), "valid": False, "pipeline": None,
                "diagnostics": [
                    {
                        "severity": "error", "file": str(tmp_path / "none.yaml"), "line": None, "column": None,
                        "message": "the file can't be read: No such file or directory", "hint": None,
                    }
                ],
            },
        ],
    }  # fmt: skip


def test_github(sluice, write):
    """The runner takes %, line breaks and, in properties, commas and colons apart."""
    path = write(BROKEN, "a, b: 5%.yaml")
    result = sluice("validate", "--output", "github", path).expect(78)
    file = str(path).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    assert result.out.splitlines() == [
        f"::error file={file},line=2,col=35::unknown option 'conflct' (did you mean 'conflict'?)",
        f"::error file={file},line=3,col=44::'mode' must be one of merge, append, replace, not '100%25, sure: no'",
    ]
    assert not result.err


def test_a_warning_for_github(sluice, write):
    path = write(
        "pipeline: p\nsource: {type: archive, path: in}\nsinks: [{type: sqlite, path: out.db}]\ntransforms:\n"
        "  - {type: mask, paths: [Address], with: hmac-sha256, key: '${NO_KEY:-0123456789abcdef}'}\n"
    )
    result = sluice("validate", "-o", "github", path).expect(0)
    assert result.out.startswith(f"::warning file={path},line=5,col=60::'key' comes from the default")
    assert f"{path}: 'p' is valid" in result.out


def test_an_output_that_there_is_not(sluice, write):
    assert "sarif" in sluice("validate", "--output", "sarif", write(BROKEN)).expect(64).err


# MARK: Without variables


def test_without_variables(sluice, write):
    path = write(WHOLE)
    names = ["APP_ID", "CRM_PASSWORD", "STORE", "REPORTS"]
    told = sluice("validate", path).expect(78).err
    for name in names:
        assert f"the environment variable '{name}' isn't set" in told
    result = sluice("validate", "--without-variables", path).expect(0)
    assert not result.err
    assert "checked without the values of APP_ID, CRM_PASSWORD, REPORTS, STORE, file:secrets/key\n" in result.out


WRONG = {
    "a misspelt option": ("application_id:", "aplication_id:", "unknown option 'aplication_id'"),
    "a path": ("[Address, Id]", "[Adress, Id]", "an endpoint has no 'Adress' (did you mean 'Address'?)"),
    "an ID in a mask without a key": (
        'with: hmac-sha256, key: "${file:secrets/key}"', "with: redact", "can't redact 'Id'",
    ),
    "an option that needs another one": (', key: "${file:secrets/key}"', "", "hmac-sha256 needs a secret key"),
    "two sinks at one place": ("${STORE}/files", "./out/endpoints.sqlite", "to the same place as sink 'sqlite'"),
    "a reference": ("${APP_ID}", "${APP ID}", "'${APP ID}' names no variable"),
    "a variable that is empty": ("${APP_ID}", "${EMPTY}", "'EMPTY' is set, but empty"),
    "a query": ("SELECT id FROM users", '" "', "is empty: write a SELECT"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_everything_else_is_checked_without_variables(sluice, write, what):
    right, wrong, words = WRONG[what]
    assert right in WHOLE
    result = sluice("validate", "--without-variables", write(WHOLE.replace(right, wrong)), environment={"EMPTY": ""})
    assert words in result.expect(78).err


def test_what_a_run_needs_is_needed(sluice, write):
    """What stands in for variables stands in for `validate` alone."""
    assert "'APP_ID' isn't set" in sluice("run", write(WHOLE)).expect(78).err
    assert "without-variables" in sluice("run", "--without-variables", write(WHOLE)).expect(64).err


# MARK: A look at the sinks


@pytest.mark.parametrize("command", ["status", "verify", "report"])
def test_a_look_at_the_sinks_needs_their_variables_alone(sluice, write, tmp_path, command):
    path = write(WHOLE)
    (tmp_path / "store").mkdir()
    result = sluice(command, path, environment={"STORE": "store"})
    assert "isn't set" not in result.err and "can't be read" not in result.err
    assert result.code != 78, result.err
    told = sluice(command, path).expect(78)
    assert [line.split(": error: ")[1] for line in told.err.splitlines()] == [
        "the environment variable 'STORE' isn't set (set it, or write ${STORE:-default})"
    ]


def test_a_look_at_the_sinks_still_tells_a_slip(sluice, write):
    told = sluice("status", write(WHOLE.replace("application_id", "aplication_id")), environment={"STORE": "s"}).expect(78)
    assert "unknown option 'aplication_id'" in told.err


@pytest.mark.parametrize("command", ["status", "verify"])
def test_it_tells_of_a_run_whose_variables_are_gone(sluice, write, tmp_path, command):
    """What a run has written is found again without anything that the run needed."""
    archive = tmp_path / "in.ndjson"
    archive.write_text('{"Id": "e1", "ApplicationId": "a1", "Address": "x@example.com", "User": {"UserId": "u1"}}\n')
    (tmp_path / "key").write_text("0123456789abcdef0123\n")
    path = write(
        "pipeline: p\nsource: {type: archive, path: '${IN}', application_id: '${APP}'}\n"
        "transforms: [{type: mask, paths: [Address], with: hmac-sha256, key: '${file:key}'}]\n"
        "sinks: [{type: sqlite, path: out.db}, {type: ndjson, path: out}]\n"
    )
    sluice("run", path, environment={"IN": "in.ndjson", "APP": "a1"}).expect(0)
    (tmp_path / "key").unlink()
    result = sluice(command, path, "--output", "json").expect(0)
    assert not result.err
    assert "p-" in result.out


# MARK: Options that the command line sets


SETTABLE = """pipeline: p
source:
  type: archive
  path: in.ndjson
sinks:
  - {type: sqlite, path: out/a.db}
  - {type: ndjson, name: files, path: out/files}
"""


def test_set(sluice, write, tmp_path):
    (tmp_path / "in.ndjson").write_text('{"Id": "e1", "ApplicationId": "a1", "User": {"UserId": "u1"}}\n')
    sets = ["sinks.0.path=elsewhere/b.db", "sinks.files.path=elsewhere/files", "batch_size=7", "flatten.layout=document",
            "transforms=[{type: drop, paths: [Location]}]", "report.json=elsewhere/last.json", "x-note=anything"]  # fmt: skip
    result = sluice("run", write(SETTABLE), *[part for text in sets for part in ("--set", text)]).expect(0)
    assert "records" in result.out
    assert (tmp_path / "elsewhere" / "b.db").exists() and not (tmp_path / "out").exists()
    assert (tmp_path / "elsewhere" / "files" / "current").exists()
    assert json.loads((tmp_path / "elsewhere" / "last.json").read_text())["pipeline"] == "p"


SETTINGS = {
    "batch_size=0": "--set batch_size: error: 'batch_size' must be a whole number, from 1 to 10000, not '0'",
    "bach=3": "--set bach: error: unknown option 'bach' (did you mean 'batch_size'?)",
    "source.pth=x": "--set source.pth: error: unknown option 'pth' (did you mean 'path'?)",
    "sinks.2.path=x": "--set sinks.2.path: error: there is no entry 2 (they are numbered from 0 to 1)",
    "sinks.file.path=x": "--set sinks.file.path: error: no entry is called 'file' (did you mean 'files'?)",
    "sinks.files.mode=merge": "--set sinks.files.mode: error: 'mode' must be append or replace (files have no keys, so ndjson has "
    "no merge: use append or replace, or merge into sqlite or postgres), not 'merge'",
    "sinks.files.path=out/a.db": "--set sinks.files.path: error: sink 'files' writes to the same place as sink 'sqlite' (give each "
    "a place of its own)",
    "transforms=[{type: drop, paths: [Adress]}]": "--set transforms: error: 'paths': an endpoint has no 'Adress' (did you mean "
    "'Address'?)",
    "transforms=[{type: drop": "--set transforms: error: this '{' isn't closed (write '}' where it ends)",
    "limits=1%": "--set limits: error: 'limits' must be a mapping, not a single value (such as limits: {max_failed: 1%})",
    "batch_size=": "--set batch_size: error: 'batch_size' has no value",
    "batch_size=${NO_SUCH}": "--set batch_size: error: the environment variable 'NO_SUCH' isn't set (set it, or write "
    "${NO_SUCH:-default})",
    "pipeline.name=x": "--set pipeline.name: error: 'name' can't be set: what the file has in its place is a single value",
    "sinks..path=x": "--set sinks..path: error: the key has an empty name (write it like sinks.0.path)",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_is_set_is_checked_like_the_file(sluice, write, setting):
    result = sluice("validate", "--set", setting, write(SETTABLE)).expect(78)
    assert result.err.splitlines() == [SETTINGS[setting]]


def test_a_name_that_two_sinks_have(sluice, write):
    text = SETTABLE.replace("name: files", "name: one") + "  - {type: ndjson, name: two, path: out/more}\n"
    sluice("validate", "--set", "sinks.sqlite.mode=append", write(text)).expect(0)
    sluice("validate", "--set", "sinks.two.mode=replace", write(text)).expect(0)
    twice = text.replace(", name: one", "").replace(", name: two", "")
    told = sluice("validate", "--set", "sinks.ndjson.mode=replace", write(twice)).expect(78).err
    assert "--set sinks.ndjson.mode: error: 'ndjson' means 2 entries (use a number: 1, 2)" in told


def test_a_secret_that_is_set_is_not_shown(sluice, write):
    setting = "sinks.0={type: postgres, url: 'postgresql://u:hunter2hunter2@h:port/d'}"
    told = sluice("validate", "--set", setting, write(SETTABLE)).expect(78).err
    assert told.startswith("--set sinks.0: error: 'url': ") and "hunter2" not in told


def test_a_setting_that_is_none(sluice, write):
    assert "'batch_size' is no KEY=VALUE" in sluice("validate", "--set", "batch_size", write(SETTABLE)).expect(64).err


@pytest.mark.parametrize("command", ["status", "verify", "preview", "check", "plan", "test", "retry", "report"])
def test_every_command_takes_settings(sluice, write, command):
    told = sluice(command, "--set", "bach=1", write(SETTABLE)).expect(78).err
    assert "--set bach: error: unknown option 'bach' (did you mean 'batch_size'?)" in told


# MARK: Standard input


def test_a_pipeline_from_standard_input(sluice, write, tmp_path):
    """Its relative paths begin at the working folder."""
    (tmp_path / "in.ndjson").write_text('{"Id": "e1", "ApplicationId": "a1", "User": {"UserId": "u1"}}\n')
    text = SETTABLE + f"state_directory: {tmp_path}/state\n"
    text = text.replace("in.ndjson", os.path.relpath(tmp_path / "in.ndjson"))
    text = text.replace("out/", os.path.relpath(tmp_path) + "/out/")
    result = sluice("validate", "-", stdin=stdin_of(text)).expect(0)
    assert result.out.startswith("<standard input>: 'p' is valid")
    sluice("run", "-", stdin=stdin_of(text)).expect(0)
    assert (tmp_path / "out" / "a.db").exists()


def test_what_is_wrong_on_standard_input(sluice):
    told = sluice("validate", "-", stdin=stdin_of("pipeline: P\n")).expect(78).err.splitlines()
    assert len(told) == 3
    assert all(re.match(r"<standard input>:1:\d+: error: ", line) for line in told), told
    assert "<standard input>:1:1: error: the file holds no options" in sluice("validate", "-", stdin=stdin_of("")).expect(78).err


def test_users_cannot_stand_there_too(sluice):
    text = (
        "pipeline: p\nsource: {type: pinpoint, application_id: a, region: eu-central-1, users: {type: file, path: '-', "
        "format: lines}}\nsinks: [{type: sqlite, path: out.db}]\n"
    )
    told = sluice("validate", "-", stdin=stdin_of(text)).expect(78).err
    assert told == "<standard input>:2:93: error: 'path' can't be '-': the pipeline itself is read from standard input\n"


# MARK: What is ignored


def test_keys_of_one_s_own(sluice, write):
    """A place for anchors, at the top level alone."""
    text = """x-sink: &sink {type: ndjson, mode: append}
x-list: [1, [2]]
x-: ~
pipeline: p
source: {type: archive, path: in}
sinks:
  - {<<: *sink, name: one, path: out/one}
  - {<<: *sink, name: two, path: out/two}
"""
    sluice("validate", write(text)).expect(0)
    told = sluice("validate", write(text.replace("path: in", "path: in, x-y: 1"))).expect(78).err
    assert "5:35: error: unknown option 'x-y'" in told


@pytest.mark.parametrize("duration", ["500ms", "20s", "5m", "1h", "1d"])
def test_durations(sluice, write, duration):
    text = f"""pipeline: p
source:
  type: pinpoint
  application_id: a
  region: eu-central-1
  users: {{type: file, path: users.txt}}
  retry: {{outage: {duration}}}
sinks: [{{type: sqlite, path: out.db}}]
"""
    expected = 78 if duration == "500ms" else 0  # shorter than any outage that is worth waiting for
    sluice("validate", write(text)).expect(expected)


def test_many_sinks(sluice, write):
    """Every place is compared with every other one; what stands there is looked up once, and not for each pair."""
    sinks = "".join(f"  - {{type: sqlite, name: s{number}, path: out/{number}.sqlite}}\n" for number in range(400))
    file = write(f"pipeline: p\nsource: {{type: archive, path: exports}}\nsinks:\n{sinks}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    sluice("validate", file).expect(0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The processor's time, which other work on the machine doesn't lengthen much: 0.4 s, where it was 13 s.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 4


def test_brackets_within_brackets(sluice, write):
    """Deeper than the YAML library goes: our own words all the same. (Other tools don't survive such a file.)"""
    file = write(
        f"pipeline: p\nsource: {{type: archive, path: in}}\nlimits: {'[' * 1100}\nsinks: [{{type: sqlite, path: out.db}}]\n"
    )
    told = sluice("validate", file).expect(78).err
    assert f"{file}:3:10: error: nested more than 64 deep" in told and "libyaml" not in told

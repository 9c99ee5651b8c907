"""Calls of the program: what a mistyped one is told, help, and what all commands have in common."""

import json
import re
import subprocess

import pytest

PIPELINE = """\
pipeline: it
source:
  type: archive
  path: a.json
sinks:
  - {type: sqlite, path: out.sqlite}
"""

COMMANDS = [
    "init", "run", "plan", "check", "test", "retry", "status", "report", "changes", "verify", "validate", "preview",
    "flatten", "tables", "plugins", "schema", "completions", "serve", "demo",
]  # fmt: skip

#: What is typed, and what standard error says, behind the prefix; all of them end with 64, and print nothing else.
MISTAKES = [
    # Files and commands
    ("it.yaml", "'it.yaml' is a pipeline's file, not a command\n  Did you mean 'sluice run it.yaml'?"),
    ("./it.yaml --fresh", "'./it.yaml' is a pipeline's file, not a command\n  Did you mean 'sluice run ./it.yaml --fresh'?"),
    ("gone.yml", "'gone.yml' is a pipeline's file, not a command\n  Did you mean 'sluice run gone.yml'?"),
    ("rnu it.yaml", "there is no command 'rnu'\n  Did you mean 'sluice run'? 'sluice --help' lists the commands."),
    ("validte it.yaml", "there is no command 'validte'\n  Did you mean 'sluice validate'? 'sluice --help' lists the commands."),
    ("comp bash", "there is no command 'comp'\n  Did you mean 'sluice completions'? 'sluice --help' lists the commands."),
    ("hlep", "there is no command 'hlep'\n  Did you mean 'sluice help'? 'sluice --help' lists the commands."),
    ("frobnicate", "there is no command 'frobnicate'\n  'sluice --help' lists the commands."),
    ("help nope", "there is no command 'nope'\n  'sluice --help' lists the commands."),
    ("help rum", "there is no command 'rum'\n  Did you mean 'sluice run'? 'sluice --help' lists the commands."),
    ("help run it.yaml", "'sluice run' has no commands of its own\n  Did you mean 'sluice help run'?"),
    ("--output json run it.yaml",
     "'--output' is an option of 'sluice run' and follows that name\n  Did you mean 'sluice run … --output'?"),
    ("--frsh", "unknown option '--frsh'\n  'sluice --help' says what it takes."),
    # Options
    ("run it.yaml --frech",
     "unknown option '--frech'\n  Did you mean '--fresh'? 'sluice run --help' says what it takes."),
    ("run it.yaml --log-lvel debug",
     "unknown option '--log-lvel'\n  Did you mean '--log-level'? 'sluice run --help' says what it takes."),
    ("status it.yaml --maxage 26h",
     "unknown option '--maxage'\n  Did you mean '--max-age'? 'sluice status --help' says what it takes."),
    ("validate it.yaml --hlep",
     "unknown option '--hlep'\n  Did you mean '--help'? 'sluice validate --help' says what it takes."),
    ("validate it.yaml --colour", "unknown option '--colour'\n  'sluice validate --help' says what it takes."),
    ("run it.yaml -x", "unknown option '-x'\n  'sluice run --help' says what it takes."),
    # Arguments and values
    ("run", "missing expected argument '<file>'\n  'sluice run --help' says what it takes."),
    ("validate", "missing expected argument '<file> ...'\n  'sluice validate --help' says what it takes."),
    ("run it.yaml other.yaml", "unexpected argument 'other.yaml'\n  'sluice run --help' says what it takes."),
    ("run it.yaml --limit", "missing value for '--limit <n>'\n  'sluice run --help' says what it takes."),
    ("run it.yaml --limit 0", "--limit must be at least 1.\n  'sluice run --help' says what it takes."),
    ("run it.yaml --logical-date 2026-11-23T04:00:00.5Z",
     "the value '2026-11-23T04:00:00.5Z' is invalid for '--logical-date <time>': '2026-11-23T04:00:00.5Z' has a "
     "fraction of a second; dates are whole seconds: 2026-11-23T04:00:00Z.\n  'sluice run --help' says what it takes."),
    ("run it.yaml --logical-date 20261123T040000.123456+0100",
     "the value '20261123T040000.123456+0100' is invalid for '--logical-date <time>': '20261123T040000.123456+0100' has "
     "a fraction of a second; dates are whole seconds: 20261123T040000+0100.\n  'sluice run --help' says what it takes."),
    ("run it.yaml --logical-date 2026-02-30T04:00:00.5Z",
     "the value '2026-02-30T04:00:00.5Z' is invalid for '--logical-date <time>': '2026-02-30T04:00:00.5Z' is no date such "
     "as 2026-11-23 or 2026-11-23T04:00:00Z.\n  'sluice run --help' says what it takes."),
    ("run it.yaml --output yaml",
     "the value 'yaml' is invalid for '--output <output>'. Please provide one of 'text' or 'json'.\n"
     "  'sluice run --help' says what it takes."),
    ("completions csh",
     "the value 'csh' is invalid for '<shell>'. Please provide one of 'bash', 'zsh' or 'fish'.\n"
     "  'sluice completions --help' says what it takes."),
    ("preview it.yaml --users 0", "--users is a number from 1 to 10000.\n  'sluice preview --help' says what it takes."),
    ("serve", "there is nothing to serve: give --synthetic.\n  'sluice serve --help' says what it takes."),
    ("plugins sqlit", "there is no plugin 'sqlit'\n  did you mean 'sqlite'?"),
    ("plugins sqlite postgres", "unexpected argument 'postgres'\n  'sluice plugins --help' says what it takes."),
]  # fmt: skip


@pytest.fixture
def desk(sluice, tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "it.yaml").write_text(PIPELINE)
    return lambda *arguments, **options: sluice(*arguments, prefix=["env", "-C", str(folder)], **options)


@pytest.mark.parametrize(("call", "message"), MISTAKES, ids=[call for call, _ in MISTAKES])
def test_a_mistake(desk, call, message):
    result = desk(*call.split()).expect(64)
    assert result.err == f"sluice: error: {message}\n"
    assert not result.out


def test_a_file_that_is_no_yaml_by_name(desk, tmp_path):
    (tmp_path / "desk" / "nightly").write_text(PIPELINE)
    assert desk("./nightly").expect(64).err == (
        "sluice: error: './nightly' is a pipeline's file, not a command\n  Did you mean 'sluice run ./nightly'?\n"
    )


def test_control_characters_of_a_call_are_no_part_of_the_message(desk):
    result = desk("run\x1b[31m", "x\ny").expect(64)
    assert "\x1b" not in result.err and result.err.count("\n") == 2
    assert "\x1b" not in desk("run", "it.yaml", "--x\x1b[31m").expect(64).err


def test_versions(desk):
    version = desk("--version").expect(0)
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", version.out)
    assert desk("-V").expect(0).out == version.out


def test_help_without_a_command(desk):
    texts = [desk(*call).expect(0).out for call in ([], ["--help"], ["-h"], ["help"])]
    assert len(set(texts)) == 1
    listed = re.findall(r"^  ([a-z]+) {2,}", texts[0].split("SUBCOMMANDS:")[1], re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(desk, command):
    """Examples first, at least two, each of this command; exit codes with the words of the program's own table."""
    text = desk(command, "--help").expect(0).out
    assert desk("help", command).expect(0).out == text
    lines = text.splitlines()
    assert lines[0].startswith("OVERVIEW: ")
    blank = lines.index("")
    examples = [line.strip() for line in lines if line.startswith("  $ ")]
    assert lines[blank + 1] == "  " + examples[0], "an example comes first"
    assert len(examples) >= 2 and all(example.startswith(f"$ sluice {command}") for example in examples)
    # One that is broken over two lines can't be copied.
    for example in (line for line in lines if line.startswith("  $ ")):
        following = lines[lines.index(example) + 1]
        assert not following or following.startswith("  $ "), f"{example}\n{following}"
    codes = re.search(r"Exit codes: ([\s\S]*?)\.\n\n", text)
    assert codes, text
    words = dict(re.findall(r"(\d+) ([^;]+)", " ".join(codes[1].split())))
    assert (words["0"], words["64"]) == ("complete", "usage")
    assert list(map(int, words)) == sorted(map(int, words))
    table = re.search(r"Exit codes: ([\s\S]*?)\.\n\n", desk("run", "--help").expect(0).out)[1]
    assert set(words.items()) <= set(dict(re.findall(r"(\d+) ([^;]+)", " ".join(table.split()))).items())


def options(sluice):
    dump = subprocess.run(
        [sluice.binary, "--experimental-dump-help"], capture_output=True, check=True, env=sluice.environment()
    )
    for command in json.loads(dump.stdout)["command"]["subcommands"]:
        for argument in command.get("arguments", []):
            for name in argument.get("names", []):
                yield command["commandName"], name["kind"], name["name"], argument


def test_short_forms_mean_the_same_everywhere(sluice):
    """And whoever has the long one has the short one."""
    meanings = {"h": "help", "q": "quiet", "v": "verbose", "o": "output", "V": "version"}
    by_command = {}
    for command, kind, name, argument in options(sluice):
        names = {one["name"] for one in argument["names"]}
        if kind == "short" and name != "V":
            assert meanings[name] in names, f"-{name} of {command} is another one"
        if name in meanings.values() and name != "version":
            assert name[0] in names, f"{command} --{name} has no short form"
        by_command.setdefault(command, set()).add(name)
    for command in ("run", "retry", "status", "verify", "validate", "test"):
        assert "quiet" in by_command[command], command
    for command in ("run", "plan", "check", "test", "retry", "status", "report", "changes", "verify", "preview"):
        assert {"output", "log-level", "verbose", "env-file"} <= by_command[command], command


def test_verbose_logs_more(desk, tmp_path):
    (tmp_path / "desk" / "a.json").write_text('{"Id":"e","ApplicationId":"a","User":{"UserId":"u"}}\n')
    plain = desk("run", "it.yaml").expect(0).err
    verbose = desk("run", "-v", "it.yaml", "--fresh").expect(0).err
    assert " debug: " not in plain and "user" not in plain
    assert len(verbose) >= len(plain)
    short = desk("run", "it.yaml", "-o", "json", "-q").expect(0)
    assert short.summary["state"] == "complete" and not short.err


def test_plugins_by_name(desk):
    """A reader and a sink have one name; each is shown with its options."""
    text = desk("plugins", "sqlite").expect(0).out
    assert text.count("'sqlite':") == 2 and "busy_timeout" in text and "'postgres':" not in text
    top = desk("plugins", "pipeline").expect(0).out
    assert top.startswith("a pipeline\n") and "batch_size" in top and "'sqlite':" not in top
    everything = desk("plugins").expect(0).out
    assert text.strip().split("\n\n")[0] in everything and top in everything


def test_standard_output_that_is_full(sluice):
    """Whoever reads help or a listing isn't told half of it."""
    for call in ("--help", "plugins", "completions bash"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sluice.binary, *call.split()], stdout=full, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 74 and b"standard output can't be written" in done.stderr, call

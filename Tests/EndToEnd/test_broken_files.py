"""What is said of pipelines that are wrong: every word of it, at its line and column.

The tables in `broken/` were written from what a person should read. `support/broken.py` says how.
"""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from support.broken import broken_files

CASES = broken_files()
REPOSITORY = Path(__file__).parent.parent.parent
SCHEMA = REPOSITORY / "sluice.schema.json"

#: What the tables' pipelines find in the environment.
ENVIRONMENT = {
    "APP_ID": "0123456789ABCDEF",
    "MASK_KEY": "hunter2hunter2hunter2",
    "SHORT": "hunter2",
    "PORT": "5432x7788",
    "EMPTY": "",
}
SECRETS = [value for value in ENVIRONMENT.values() if value]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All broken files, as files."""
    folder = tmp_path_factory.mktemp("broken")
    for case in CASES:
        (folder / f"{case.name}.yaml").write_text(case.text)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "empty").write_text("\n")
    return folder


@pytest.fixture(scope="module")
def validated(folder, shared_sluice):
    """What one call of the program says of all of them, without the folder that they are in."""
    files = [folder / f"{case.name}.yaml" for case in CASES]
    result = shared_sluice("validate", *files, environment=ENVIRONMENT)
    return [line.removeprefix(f"{folder}/") for line in result.err.splitlines()], result


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_said(case, validated):
    file = f"{case.name}.yaml"
    lines, _ = validated
    told = [line.removeprefix(f"{file}:") for line in lines if line.startswith(f"{file}:")]
    assert told == case.told


def test_there_are_enough():
    assert len(CASES) >= 120


def test_each_is_one_line_that_a_tool_can_read(validated):
    lines, result = validated
    result.expect(78)
    for line in lines:
        assert re.match(r"[a-z0-9-]+\.yaml:\d+:\d+: (error|warning): \S", line), line
        assert line.isprintable(), repr(line)
        assert not any(secret in line for secret in SECRETS), line


def test_files_without_errors_are_valid(validated):
    _, result = validated
    valid = {case.name for case in CASES if not any(" error: " in line for line in case.told)}
    assert {Path(line.split(": ")[0]).stem for line in result.out.splitlines()} == valid


# MARK: Files that nobody thought of


def damaged(text, chance):
    """A text with one slip of the hand in one of its lines."""
    lines = text.splitlines()
    number = chance.choice([number for number, line in enumerate(lines) if line.strip() and line.strip()[0] != "#"])
    line = lines[number]
    at = chance.randrange(len(line))
    lines[number : number + 1] = chance.choice(
        [
            [" " + line],
            [line[1:]],
            [line[:at] + line[at + 1 :]],
            [line[:at] + chance.choice("\"'[]{}:,#@%*&!|>`\t-?~\\") + line[at:]],
            [line.replace(": ", ":", 1)],
            [line.replace("- ", "", 1)],
            [line.replace("  ", "\t", 1)],
            [line, line],
            [line[:at], line[at:]],
            [],
        ]
    )
    return "\n".join(lines) + "\n"


def test_slips_of_the_hand(sluice, tmp_path):
    """Whatever is wrong, each message is one line with a place, nothing crashes, and YAML's own words are rare."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    texts = [path.read_text() for path in sorted(REPOSITORY.glob("pipelines/*.yaml"))]
    files = []
    for number in range(500):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(damaged(chance.choice(texts), chance))
    result = sluice("validate", "--without-variables", *files).expect(78)
    lines = [line.removeprefix(f"{tmp_path}/") for line in result.err.splitlines()]
    for line in lines:
        assert re.match(r"\d+\.yaml:\d+:\d+: (error|warning): \S", line) and line.isprintable(), repr(line)
    told = {line.split(".")[0] for line in lines if " error: " in line}
    valid = {Path(line.split(": ")[0]).stem for line in result.out.splitlines()}
    assert told | valid == {path.stem for path in files} and not told & valid
    foreign = [line for line in lines if "not valid YAML" in line]
    assert len(foreign) <= 25, foreign


# MARK: The schema


def test_the_schema_is_fresh(sluice):
    printed = sluice("schema").expect(0).out
    assert printed == SCHEMA.read_text(), "sluice.schema.json isn't what the program prints: sluice schema > sluice.schema.json"


@pytest.fixture(scope="module")
def checked(folder):
    """The files that `check-jsonschema` finds fault with, by their names."""
    result = subprocess.run(
        [Path(sys.executable).with_name("check-jsonschema"), "--schemafile", SCHEMA, "--output-format", "json"]
        + [f"{case.name}.yaml" for case in CASES],
        cwd=folder, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    found = json.loads(result.stdout)
    return {Path(error["filename"]).stem for error in found["errors"] + found.get("parse_errors", [])}


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_editor_sees_it_too(case, checked, validator):
    """Or the table says why it can't."""
    try:
        document = YAML(typ="safe", pure=True).load(case.text)
        seen = sorted(error.json_path + ": " + error.message[:200] for error in validator.iter_errors(document))
    except YAMLError as error:
        seen = [str(error)]
    assert bool(seen) == (case.name in checked), f"jsonschema and check-jsonschema differ: {seen}"
    assert bool(seen) != bool(case.schema_misses), f"{case.schema_misses or 'the schema sees nothing wrong'}: {seen}"


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("pipelines/*.yaml")), ids=lambda path: path.name)
def test_our_own_pipelines_pass(path, validator):
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=../sluice.schema.json\n")
    assert list(validator.iter_errors(YAML(typ="safe", pure=True).load(text))) == []

"""Transforms and extra columns that can't be: each an error at its line and column, before anything is asked for."""

import json

import pytest

HEAD = """pipeline: wrong
source:
  type: pinpoint
  application_id: 0123456789abcdef0123456789abcdef
  region: eu-central-1
  users: {type: file, path: users.txt}
"""
SINK = "sinks:\n  - {type: sqlite, path: out/endpoints.sqlite}\n"
HMAC = "with: hmac-sha256, key: 0123456789abcdef"

#: The error stands where » is; each with words of its message.
TRANSFORMS = {
    "{type: mask, paths: [»Address.street], with: redact}": ["Address"],
    "{type: mask, paths: [Address, »ChannelType.x], with: redact}": ["ChannelType"],
    "{type: drop, paths: [»Attributes.a.b]}": ["Attributes"],
    "{type: drop, paths: [»[Attributes, a, b]]}": ["Attributes"],
    "{type: drop, paths: [»Metrics.a.b]}": ["Metrics"],
    "{type: drop, paths: [»[User, UserAttributes, a, '*']]}": ["UserAttributes"],
    "{type: drop, paths: [»Location.City.x]}": ["City"],
    "{type: drop, paths: [»CohortId.*]}": ["CohortId"],
    "{type: mask, paths: [»User.UserId.x], " + HMAC + "}": ["UserId"],
    "{type: filter, where: {»EndpointStatus.x: [ACTIVE]}}": ["EndpointStatus"],
    "{type: filter, path: »EndpointStatus.x, in: [ACTIVE]}": ["EndpointStatus"],
    "{type: drop, paths: [»Adress]}": ["Address"],
    "{type: mask, paths: [»Location.Planet], with: redact}": ["Planet"],
    "{type: drop, paths: [»Demographic.make]}": ["Make"],
    "{type: drop, paths: [»'*.UserId']}": ["UserId"],
    "{type: mask, paths: [»'*.UserId'], with: redact}": ["UserId"],
    "{type: drop, paths: [»'*.*']}": [],
    "{type: drop, paths: [»Id]}": ["Id"],
    "{type: drop, paths: [Address, »User.UserId]}": ["UserId"],
    "{type: drop, paths: [»[ApplicationId]]}": ["ApplicationId"],
    "{type: drop, paths: [»User]}": ["User"],
    "{type: drop, paths: [»'*']}": [],
    "{type: drop, paths: [»'User.*']}": ["User"],
    "{type: mask, paths: [»Id], with: redact}": ["Id", "hmac"],
    "{type: mask, paths: [»User.UserId], with: redact}": ["UserId", "hmac"],
    "{type: mask, paths: [»ApplicationId], with: redact}": ["ApplicationId", "hmac"],
    "{type: mask, paths: [»'*'], with: redact}": [],
    "{type: mask, paths: [»User], " + HMAC + "}": ["User"],
    "{type: mask, paths: [»''], with: redact}": [],
    "{type: mask, paths: [»[]], with: redact}": [],
    "{type: mask, paths: [»'Attributes.'], with: redact}": [],
    "{type: mask, paths: [»{a: b}], with: redact}": [],
    "{type: mask, paths: »[], with: redact}": [],
    "{type: drop, paths: »[]}": [],
    "{type: mask, paths: [Address], with: hmac-sha256, key: »0123456789abcde}": ["16"],
    "{type: mask, paths: [Address], with: hmac-sha256, key: »ééééééé}": ["16"],
    "{type: mask, paths: [Address], with: hmac-sha256, key: »''}": ["empty"],
    "{type: mask, paths: [Address], with: hmac-sha256, key: »'${EMPTY_KEY}'}": ["empty"],
    "{type: mask, paths: [Address], with: hmac-sha256, key: »'${NO_SUCH_KEY}'}": ["NO_SUCH_KEY"],
    "{»type: mask, paths: [Address], with: hmac-sha256}": ["key"],
    "{type: mask, paths: [Address], with: redact, key: »0123456789abcdef}": ["key"],
    "{type: mask, paths: [Address], with: »sha256}": ["hmac-sha256", "redact"],
    "{»type: mask, paths: [Address]}": ["with"],
    "{»type: mask, with: redact}": ["paths"],
    "{type: mask, »path: [Address], paths: [Address], with: redact}": ["path"],
    "{type: »masks, paths: [Address], with: redact}": ["mask"],
    "{»paths: [Address], with: redact}": ["type"],
    "{type: filter, where: »{}}": [],
    "{type: filter, where: {ChannelType: »[]}}": [],
    "{»type: filter}": ["where"],
    "{type: filter, where: {ChannelType: »EMAIL}}": [],
    "{type: filter, where: {ChannelType: [»[EMAIL]]}}": [],
    "{type: filter, path: ChannelType, null: »maybe}": ["null"],
    "{type: drop, paths: [Address], »where: {ChannelType: [EMAIL]}}": ["where"],
    "»drop": [],
}

COLUMNS = {
    "{name: »address, from: Attributes.a, as: first}": ["address"],
    "{name: »Address, from: Attributes.a, as: first}": ["Address"],
    "{name: »EXTRA, from: Attributes.a, as: first}": ["EXTRA"],
    "{name: »run_id, from: Attributes.a, as: first}": ["run_id"],
    "{name: a, from: Attributes.a, as: first}\n    - {name: »A, from: Attributes.b, as: first}": ["A"],
    "{name: »'a b', from: Attributes.a, as: first}": ["a b"],
    "{name: »'', from: Attributes.a, as: first}": [],
    "{name: »1st, from: Attributes.a, as: first}": [],
    "{name: »'a\"; drop table users; --', from: Attributes.a, as: first}": [],
    "{name: a, from: »Address.x, as: first}": ["Address"],
    "{name: a, from: »Attributes.a.b, as: first}": ["Attributes"],
    "{name: a, from: »Metrics.a.b, as: number}": ["Metrics"],
    "{name: a, from: »[], as: first}": [],
    "{name: a, from: »Attributes.*, as: first}": [],
    "{name: a, from: Attributes.a, as: »last}": ["joined"],
    "{name: a, from: Attributes.a, as: first, separator: »';'}": ["separator"],
    "{»name: a, from: Attributes.a}": ["as"],
    "{»from: Attributes.a, as: first}": ["name"],
    "{»name: a, as: first}": ["from"],
    "{name: a, »form: Attributes.a, from: Attributes.a, as: first}": ["form", "from"],
}


def refused(sluice, tmp_path, text, words):
    """The one error that `validate` reports stands where the mark is, and holds the words."""
    path = tmp_path / "wrong.yaml"
    before = text[: text.index("»")]
    place = f"{path.name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: error: "
    path.write_text(text.replace("»", ""))
    (tmp_path / "users.txt").write_text("anna\n")
    result = sluice("validate", path, environment={"EMPTY_KEY": ""}).expect(78)
    errors = [line for line in (result.err + result.out).splitlines() if " error: " in line]
    assert len(errors) == 1 and place in errors[0], f"not {place}…\n{result.err}"
    for word in words:
        assert word in errors[0].split(" error: ", 1)[1], f"{word!r} isn't in: {errors[0]}"
    # A key is a secret, also one that is too short.
    assert "0123456789abcde" not in result.err + result.out
    run = sluice("run", path, environment={"EMPTY_KEY": ""}).expect(78)
    assert place in run.err
    assert not (tmp_path / "out").exists() and not (tmp_path / ".sluice").exists()


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_transform_that_can_t_be(sluice, tmp_path, transform):
    refused(sluice, tmp_path, f"{HEAD}transforms:\n  - {transform}\n{SINK}", TRANSFORMS[transform])


@pytest.mark.parametrize("transform", ["{type: drop, paths: [»Id]}", "{type: mask, paths: [»Address.x], with: redact}"])
def test_a_sink_s_own_that_can_t_be(sluice, tmp_path, transform):
    sink = f"sinks:\n  - type: sqlite\n    path: out/endpoints.sqlite\n    transforms:\n      - {transform}\n"
    refused(sluice, tmp_path, HEAD + sink, [])


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_can_t_be(sluice, tmp_path, column):
    refused(sluice, tmp_path, f"{HEAD}flatten:\n  columns:\n    - {column}\n{SINK}", COLUMNS[column])


@pytest.mark.parametrize("name", ["attributes", "Metrics", "user_attributes"])
def test_a_column_of_the_document_s_own(sluice, tmp_path, name):
    """The document's maps are columns that others may not be called after."""
    text = f"{HEAD}flatten:\n  layout: document\n  columns:\n    - {{name: »{name}, from: Attributes.a, as: first}}\n{SINK}"
    refused(sluice, tmp_path, text, [name])


def test_a_layout_that_there_isn_t(sluice, tmp_path):
    refused(sluice, tmp_path, f"{HEAD}flatten: {{layout: »documents}}\n{SINK}", ["document", "normalized"])


def test_all_that_is_wrong_is_said_at_once(sluice, tmp_path):
    text = f"""{HEAD}transforms:
  - {{type: drop, paths: [»Id, »Address.x]}}
  - {{type: mask, paths: [»User.UserId], with: redact}}
  - {{type: mask, paths: [Address], with: hmac-sha256, key: »short}}
flatten:
  layout: document
  columns:
    - {{name: address, from: Attributes.a, as: first}}
    - {{name: a, from: Attributes.a, as: »last}}
{SINK}"""
    places, plain = [], ""
    for part in text.split("»")[:-1]:
        plain += part
        places.append(f"{plain.count(chr(10)) + 1}:{len(plain) - plain.rfind(chr(10))}")
    (tmp_path / "wrong.yaml").write_text(text.replace("»", ""))
    result = sluice("validate", tmp_path / "wrong.yaml").expect(78)
    missing = [place for place in places if f"wrong.yaml:{place}: error: " not in result.err]
    # Of one transform's errors one will do; whether columns get in each other's way is judged once each is right by itself.
    assert len(places) == 5 and set(missing) in ({places[0]}, {places[1]}, set()), f"not {missing}:\n{result.err}"


def test_names_of_attributes_are_free(sluice, tmp_path):
    """Whatever Pinpoint lets people call an attribute is no error, dots, stars and brackets included."""
    names = ["e-mail", "a.b", "*", "a b", "#:?\\/", "日本語", "CohortId", "$json", "0", "x" * 200, "User", "Id"]
    paths = [["Attributes", name] for name in names] + [["User", "UserAttributes", name] for name in names]
    document = {
        "pipeline": "free",
        "source": {
            "type": "pinpoint", "application_id": "0" * 32, "region": "eu-central-1",
            "users": {"type": "file", "path": "users.txt"},
        },
        "transforms": [
            {"type": "mask", "paths": paths + [["Metrics", name] for name in names], "with": "redact"},
            {"type": "drop", "paths": paths},
            *({"type": "filter", "path": path, "null": True} for path in paths),
        ],
        "flatten": {
            "columns": [
                {"name": f"column_{number}", "from": path, "as": "first"}
                for number, path in enumerate(path for path in paths if path[-1] != "*")
            ]
        },
        "sinks": [{"type": "sqlite", "path": "out/endpoints.sqlite"}],
    }  # fmt: skip
    (tmp_path / "users.txt").write_text("anna\n")
    (tmp_path / "free.yaml").write_text(json.dumps(document, ensure_ascii=False))
    sluice("validate", tmp_path / "free.yaml").expect(0)

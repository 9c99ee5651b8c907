"""`sluice test`: a pipeline's own tests, which prove that a mask masks before anything is called."""

import hashlib
import hmac
import json

KEY = "sixteen bytes at least"
ENDPOINT = {
    "Id": "e1", "ChannelType": "EMAIL", "Address": "jane@example.com", "User": {"UserId": "jane"},
    "Attributes": {"plan": ["gold", "silver"]}, "Metrics": {"visits": 3},
}  # fmt: skip


def pipeline(sluice, tests, **settings):
    settings.setdefault("transforms", [{"type": "mask", "paths": ["Address"], "with": "hmac-sha256", "key": "${MASK_KEY}"}])
    # No such server: nothing is called.
    return sluice.pipeline("tested", "http://127.0.0.1:1", "none.txt", tests=tests, **settings)


def run(sluice, pipeline, code, *arguments):
    return sluice("test", pipeline.file, *arguments, environment={"MASK_KEY": KEY, "AWS_ACCESS_KEY_ID": None}).expect(code)


def test_a_mask_that_masks(sluice):
    masked = hmac.new(KEY.encode(), b"jane@example.com", hashlib.sha256).hexdigest()
    tests = [
        {
            "name": "addresses are masked",
            "documents": [ENDPOINT],
            "rows": {
                "users": [{"user_id": "jane", "status": "found", "endpoint_count": 1}],
                "endpoints": [{"endpoint_id": "e1", "address": masked, "opt_out": None, "extra": {}}],
                "endpoint_attributes": [{"name": "plan", "position": 0, "value": "gold"}, {"position": 1, "value": "silver"}],
                "endpoint_metrics": [{"name": "visits", "value": 3.0}],
                "failures": [],
            },
        },
        {"name": "unknown", "user": "joe", "documents": [], "rows": {"users": [{"user_id": "joe", "status": "absent"}]}},
    ]
    result = run(sluice, pipeline(sluice, tests), 0)
    lines = result.out.splitlines()
    assert lines[0].startswith("ok    addresses are masked (") and lines[-1] == "2 tests, all as expected"
    assert run(sluice, pipeline(sluice, tests), 0, "--quiet").out == ""


def test_a_name_cannot_draw_on_the_terminal(sluice):
    tests = [{"name": "red \x1b[31mname", "user": "joe", "documents": [], "rows": {"users": [{"status": "absent"}]}}]
    result = run(sluice, pipeline(sluice, tests), 0)
    assert result.out.startswith("ok    red \\u{1b}[31mname (") and "\x1b" not in result.out, result.out


def test_differences_can_be_read(sluice):
    tests = [
        {
            "name": "wrong",
            "documents": [ENDPOINT, {"Item": [{"Id": "e2", "User": {"UserId": "joe"}}]}],
            "rows": {
                "endpoints": [{"address": "***"}],
                "endpoint_metrics": [{"name": "visits", "value": 3}, {"name": "more"}],
                "endpoint_attributes": [{"nmae": "plan"}, {"value": "silver"}],
                "endpoint": [],
            },
        }
    ]
    file = pipeline(sluice, tests, transforms=[{"type": "mask", "paths": ["Address"], "with": "redact"}])
    result = run(sluice, file, 65)
    text = result.out
    assert 'endpoints, row 2: no such row is expected: {"application_id":' in text
    assert 'endpoint_metrics, row 2: expected {"name":"more"}, but there is no such row' in text
    assert "endpoint_attributes, row 1, nmae: there is no such column; there are application_id," in text
    assert "endpoint: there is no such table; there are users, endpoints," in text
    assert text.splitlines()[-1] == "1 of 1 test not as expected"
    document = json.loads(run(sluice, file, 65, "--output", "json").out)
    assert document["failed"] == 1 and len(document["tests"][0]["differences"]) == 4
    # Without the mask it is the address that differs.
    bare = pipeline(sluice, [{**tests[0], "documents": [ENDPOINT], "rows": {"endpoints": [{"address": "***"}]}}], transforms=[])
    assert 'endpoints, row 1, address: expected "***", found "jane@example.com"' in run(sluice, bare, 65).out


def test_sinks_with_rows_of_their_own(sluice):
    mask = {"type": "mask", "paths": ["Address"], "with": "redact"}
    sinks = [
        {"type": "sqlite", "name": "full", "path": "full.sqlite"},
        {"type": "sqlite", "name": "masked", "path": "masked.sqlite", "transforms": [mask]},
    ]
    rows = {"endpoints": [{"address": "***"}]}
    tests = [{"sink": "masked", "documents": [ENDPOINT], "rows": rows}]
    run(sluice, pipeline(sluice, tests, sinks=sinks, transforms=[]), 0)
    # Without a sink every one's rows must be so.
    result = run(sluice, pipeline(sluice, [{"documents": [ENDPOINT], "rows": rows}], sinks=sinks, transforms=[]), 65)
    assert result.out.count("expected") == 2 and "jane@example.com" in result.out
    wrong = run(sluice, pipeline(sluice, [{**tests[0], "sink": "maskd"}], sinks=sinks, transforms=[]), 78)
    assert "no sink is called 'maskd' (did you mean 'masked'?)" in wrong.err


def test_archives_documents_as_text_and_a_file_beside(sluice):
    file = pipeline(
        sluice, [], source={"type": "archive", "path": "in", "application_id": "app"},
        transforms=[{"type": "filter", "where": {"ChannelType": ["SMS"]}}],
    )  # fmt: skip
    assert "has no tests" in run(sluice, file, 66).message
    beside = file.folder / "pipeline.tests.yaml"
    beside.write_text(
        """
tests:
  - name: only text messages
    documents:
      - {Id: e1, ChannelType: EMAIL}
      - '{"Id":"e2","ChannelType":"SMS","Metrics":{"m":1e999}}'
      - {ChannelType: SMS}
    rows:
      users: []
      endpoints: [{endpoint_id: e2, application_id: app, extra: {Metrics: {m: 1e999}}}]
      failures: [{code: UnstorableKey}]
"""
    )
    assert run(sluice, file, 0).out.splitlines() == [f"ok    only text messages ({beside}:3)", "1 test, all as expected"]
    beside.write_text("tests:\n  - {documents: [], rows: {}, nmae: x}\n")
    assert f"{beside}:2:31: error: unknown option 'nmae' (did you mean 'name'?)" in run(sluice, file, 78).err


def test_tests_are_no_part_of_a_fingerprint(sluice, synthetic):
    server = synthetic(users=200)
    file = sluice.pipeline("resumed", server.url, server.ids, batch_size=50)
    killed = {"SLUICE_FAILPOINT": "sqlite.commit.before#3=kill"}
    assert sluice.run(file, environment=killed).code == -9
    file.document["tests"] = [{"documents": [ENDPOINT], "rows": {}}]
    file.write()
    assert sluice.run(file).expect(0).summary["resumed_from"] > 0

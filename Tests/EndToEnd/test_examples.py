"""The pipelines that the project ships run as they stand."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from support.content import Store
from support.scripted_server import Answer
from support.sluice import APPLICATION

MASK_KEY = "a key of the tests, 32 bytes long"
EXAMPLES = Path(__file__).parents[2] / "pipelines"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_an_example_runs(sluice, synthetic, tmp_path, name, request):
    server = synthetic(users=1200)
    folder = tmp_path / "pipelines"
    folder.mkdir()
    # Only the server's address is added; the input stands where the example looks for it.
    text = (EXAMPLES / name).read_text()
    if "endpoint_url" not in text:
        text = text.replace("  type: pinpoint\n", f"  type: pinpoint\n  endpoint_url: {server.url}\n")
    text = text.replace("requests_per_second: 250", "requests_per_second: 5000")
    text = text.replace("requests_per_second: 300", "requests_per_second: 5000")
    (folder / name).write_text(text)
    ids = server.ids.read_text()
    (folder / "users.txt").write_text(ids)
    (folder / "all-users.txt.gz").write_text(ids)
    (folder / "users.csv").write_text("user_id\n" + ids)
    if "type: archive" in text:
        (folder / "exports").mkdir()
        files = ["--ids", tmp_path / "ids", "--archive", folder / "exports" / "all.gz", "--files-only"]
        sluice("serve", "--synthetic", "--users", "1200", "--application-id", APPLICATION, *files).expect(0)
    environment = {"PINPOINT_APP_ID": APPLICATION, "PINPOINT_ENDPOINT_URL": server.url, "MASK_KEY": MASK_KEY}
    database = None
    if "DATABASE_URL" in text:
        database = request.getfixturevalue("postgres")()
        environment["DATABASE_URL"] = database.url()
    result = sluice("run", folder / name, "--output", "json", environment=environment).expect(0)
    assert result.summary["failed"] == 0
    if "type: archive" in text:
        assert result.summary["records"] == result.summary["endpoints"] > 1200
        return
    assert result.summary["records"] == 1200
    stores = [Store(path) for path in (folder / "out").glob("*.sqlite")] + ([database.store()] if database else [])
    assert [store.count("users") for store in stores] == [1200]
    shutil.rmtree(folder)


def test_the_analysts_copy_says_of_nobody_who_it_is(sluice, scripted, tmp_path):
    """Whatever the answers hold: only the named members are there, and IDs are hashed with a key that has no default."""
    person = {"UserId": "jane-doe", "Mail": "jane@example.com", "UserAttributes": {"tier": ["gold"], "name": ["jane"]}}
    item = {
        "Id": "jane-1", "Address": "jane@example.com", "ChannelType": "EMAIL", "RequestId": "jane", "Jane": "jane",
        "Attributes": {"Interests": ["a", "b"], "Name": ["jane"]}, "Metrics": {"jane": 1},
        "Location": {"Country": "DE", "City": "jane", "Street": "jane"}, "Demographic": "jane", "User": person,
        "EffectiveDate": "2026-01-02T03:04:05.678Z",
    }  # fmt: skip
    server = scripted(lambda request: Answer(body=json.dumps({"Item": [item]}).encode()))
    text = (EXAMPLES / "privacy.yaml").read_text()
    pipeline = tmp_path / "privacy.yaml"
    pipeline.write_text(text.replace("  type: pinpoint\n", f"  type: pinpoint\n  endpoint_url: {server.url}\n"))
    (tmp_path / "users.csv").write_text("user_id\njane-doe\n")
    environment = {"PINPOINT_APP_ID": APPLICATION}
    result = sluice("validate", pipeline, environment=environment).expect(78)
    assert "MASK_KEY" in result.message and ":-" not in result.message
    sluice("run", pipeline, environment={**environment, "MASK_KEY": MASK_KEY}).expect(0)
    files = list((tmp_path / "out/analysts").rglob("*.gz"))
    shown = b"".join(gzip.decompress(path.read_bytes()) for path in files)
    assert files and b"gold" in shown and b'"DE"' in shown and b"jane" not in shown.lower(), shown
    assert b"jane" in (tmp_path / "out/full.sqlite").read_bytes()

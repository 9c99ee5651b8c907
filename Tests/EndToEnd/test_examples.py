"""The pipelines that the project ships run as they stand."""

import shutil
from pathlib import Path

import pytest
from support.content import Store
from support.sluice import APPLICATION

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
    environment = {"PINPOINT_APP_ID": APPLICATION, "PINPOINT_ENDPOINT_URL": server.url}
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

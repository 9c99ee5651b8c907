"""Archives: the same tables as the API path gives, the newest state of each endpoint, and SIGKILL at any moment."""

import csv
import gzip
import io
import itertools
import signal
import time
from collections import Counter

import pytest
from support.archives import PARTS, archive, compare, endpoint, endpoints, line, merged, ordinals, spread
from support.content import TABLES, Store
from support.kills import KILLS, NDJSONPlace, SQLitePlace, differences
from support.sluice import APPLICATION, LOGICAL_DATE

RUN = "under-test-20260102T030405Z"
TIME = "2026-01-02T03:04:05.000Z"
DATED = ("--logical-date", LOGICAL_DATE)


# Against the API -----------------------------------------------------------------------------------------------------


def test_an_archive_is_what_the_api_says(sluice, synthetic, tmp_path):
    server = synthetic(users=3000, seed=7)
    files = tmp_path / "export.gz", tmp_path / "ids.txt"
    sluice(
        "serve", "--synthetic", "--users", 3000, "--seed", 7, "--application-id", APPLICATION, "--archive", files[0],
        "--ids", files[1], "--files-only",
    ).expect(0)  # fmt: skip
    assert files[1].read_bytes() == server.ids.read_bytes()
    assert files[0].read_bytes().startswith(b"\x1f\x8b")
    asked = sluice.pipeline("asked", server.url, files[1])
    said = sluice.run(asked, *DATED).expect(0).summary
    read = archive(sluice, "read", files[0], batch_size=700)
    result = sluice.run(read, *DATED).expect(0)
    left, right = Store(read.database), Store(asked.database)
    for table in PARTS:
        one, other = left.rows(table, {"ordinal"}), right.rows(table, {"ordinal"})
        assert one and one == other, f"{table}: {sorted(set(one) ^ set(other), key=repr)[:4]}"
    assert result.summary["endpoints"] == said["endpoints"] == result.summary["records"]
    assert left.count("users") == 0, "only users that were asked for stand there"
    assert left.query("SELECT ordinal FROM endpoints ORDER BY 1") == [(number,) for number in range(said["endpoints"])]


def test_answers_and_import_files(sluice, tmp_path):
    """Saved answers, one a line, and CSV with dotted and repeated headers, are the same endpoints."""
    documents = [endpoint(number, number % 3, EffectiveDate="2026-02-03T04:05:06.789Z") for number in range(200)]
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    (shapes / "lines.json").write_bytes(b"".join(line(document) for document in documents))
    answers = [{"Item": documents[start : start + 7]} for start in range(0, 200, 7)]
    (shapes / "answers.json.gz").write_bytes(gzip.compress(b"".join(line(answer) for answer in answers)))
    wrapped = [{"EndpointsResponse": answer} for answer in answers]
    (shapes / "wrapped.json").write_bytes(b"".join(line(answer) for answer in wrapped))
    (shapes / "import.csv").write_bytes(import_file(documents))
    contents = {}
    for path in sorted(shapes.iterdir()):
        pipeline = archive(sluice, path.name.replace(".", "-"), path)
        summary = sluice.run(pipeline, *DATED).expect(0).summary
        assert summary["endpoints"] == 200 and summary["failed"] == 0
        assert summary["records"] == (200 if path.stem in ("lines", "import") else len(answers))
        contents[path.name] = {table: Store(pipeline.database).rows(table, {"ordinal"}) for table in PARTS}
    right = contents.pop("lines.json")
    for name, content in contents.items():
        for table in PARTS:
            assert content[table] == right[table], f"{name}, {table}: {differences(content, right)}"


def import_file(documents):
    """Pinpoint's form for imports."""
    flat = []
    for document in documents:
        row = [(name, value) for name, value in document.items() if isinstance(value, str)]
        row += [(f"Metrics.{name}", repr(value)) for name, value in document["Metrics"].items()]
        row.append(("User.UserId", document["User"]["UserId"]))
        attributes = [("Attributes", document["Attributes"])]
        attributes.append(("User.UserAttributes", document["User"]["UserAttributes"]))
        for prefix, lists in attributes:
            row += [(f"{prefix}.{name}", value) for name, values in lists.items() for value in values]
        flat.append(row)
    names = Counter()
    for row in flat:
        for name, count in Counter(name for name, _ in row).items():
            names[name] = max(names[name], count)
    header = [name for name, count in names.items() for _ in range(count)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for row in flat:
        values = {name: [value for other, value in row if other == name] for name in names}
        writer.writerow([value for name, count in names.items() for value in (values[name] + [""] * count)[:count]])
    return text.getvalue().encode()


# Which version counts ------------------------------------------------------------------------------------------------


def overlapping(dice, count=300, exports=3):
    """Lines of several exports: each has a part of the endpoints, in one of their versions."""
    parts = []
    for export in range(exports):
        lines = []
        for number in dice.sample(range(count), count * 2 // 3):
            lines.append(line(endpoint(number, (export * 5 + number) % 12)))
            if dice.random() < 0.1:
                lines.append(line(endpoint(number, dice.randrange(12), EffectiveDate=None)))
        # The same endpoint twice in one file now and then.
        lines += [line(endpoint(number, dice.randrange(12))) for number in dice.sample(range(count), 20)]
        parts.append(lines)
    return parts


@pytest.mark.limit(120)
@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_overlapping_archives(sluice, tmp_path, postgres, dice, mode):
    """In any order of names the newest state counts, within a batch and across batches; `last` takes the last one."""
    parts = overlapping(dice)
    database = postgres()
    newest = set()
    orders = dice.sample(list(itertools.permutations(range(len(parts)))), 3)
    for number, (order, conflict) in enumerate([*((order, "newest") for order in orders), (orders[0], "last")]):
        folder = tmp_path / f"exports-{number}"
        lines = [text for place in order for text in parts[place]]
        spread(folder, lines, 5, dice)
        schema = f"order_{number}"
        pipeline = archive(
            sluice, f"order-{number}", folder, batch_size=dice.choice([1000, 97]), source={"conflict": conflict},
            sinks=[{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": mode}, database.sink(mode, schema)],
        )  # fmt: skip
        summary = sluice.run(pipeline, *DATED).expect(0).summary
        want = merged(lines, RUN, TIME, conflict, numbers=ordinals(folder))
        assert summary["records"] == len(lines) == summary["endpoints"]
        assert summary["superseded"] == len(lines) - len(want["endpoints"]), summary
        store, other = Store(pipeline.database), database.store(schema)
        compare(lambda table, store=store: store.query(f"SELECT {', '.join(TABLES[table])} FROM {table}"), want)
        compare(lambda table, other=other: other.rows(table), want)
        if conflict == "newest":
            newest.add(repr([store.rows(table, {"ordinal"}) for table in PARTS]))
    assert len(newest) == 1, "whatever the order"


def test_exports_on_several_days(sluice, tmp_path, dice):
    """What is stored counts as well: an old export that is read late changes nothing that is newer."""
    parts = overlapping(dice, count=200)
    pipeline = None
    for day, part in enumerate(parts, 1):
        spread(tmp_path / f"export-{day}", part, 2, dice)
        pipeline = archive(sluice, "daily", tmp_path / f"export-{day}")
        summary = sluice.run(pipeline, "--logical-date", f"2026-01-{day:02d}").expect(0).summary
        assert summary["removed"] == 0
    want = merged([text for part in parts for text in part], RUN, TIME)
    # Rows say which run wrote them.
    without = {"ordinal", "run_id", "logical_date"}
    store = Store(pipeline.database)
    compare(lambda table: store.query(f"SELECT {', '.join(TABLES[table])} FROM {table}"), want, without)
    assert len({row[0] for row in store.query("SELECT run_id FROM endpoints")}) > 1


def test_a_filter_deletes_and_nothing_else_does(sluice, tmp_path):
    """Endpoint by endpoint: one that isn't in a later archive stays."""
    path = tmp_path / "export.json"
    path.write_bytes(b"".join(endpoints(50)))
    sluice.run(archive(sluice, "partly", path), "--logical-date", "2026-01-01").expect(0)
    path.write_bytes(b"".join(endpoints(10)))
    pipeline = archive(sluice, "partly", path)
    assert sluice.run(pipeline, "--logical-date", "2026-01-02").expect(0).summary["removed"] == 0
    assert Store(pipeline.database).count("endpoints") == 50


# SIGKILL -------------------------------------------------------------------------------------------------------------


@pytest.mark.limit(120)
@pytest.mark.parametrize("files", [1, 3, 40])
def test_killed(sluice, tmp_path, dice, files):
    """Archives of so many files, killed at steps of commits and at moments that nobody chose."""
    lines = endpoints(4000)
    for number in dice.sample(range(4000), 12):
        lines[number] = dice.choice([b"no JSON\n", b'{"Id": 1}\n', b'{"Id":"x","ApplicationId":"other"}\n'])
    spread(tmp_path / "exports", lines, files, dice)

    def places(name):
        return [
            NDJSONPlace(tmp_path / name / "files", "append", max_file_size="32KB"),
            SQLitePlace(tmp_path / name / "store", "merge"),
        ]

    def write(name, stores):
        return archive(
            sluice, name, tmp_path / "exports", batch_size=300, limits={"accept_failed": 12},
            sinks=[place.sink for place in stores],
        )  # fmt: skip

    trace = tmp_path / "trace"
    right = places("right")
    result = sluice.run(write("right", right), *DATED, environment={"SLUICE_FAILPOINT_TRACE": trace}).expect(0)
    if not trace.exists():
        pytest.skip("this program was built without the trait Failpoints")
    assert (result.summary["records"], result.summary["failed"]) == (4000, 12)
    baseline = [place.content() for place in right]
    steps = Counter(name for name in trace.read_text().split() if ".prepare." in name or ".commit." in name)
    stores = places("killed")
    pipeline = write("killed", stores)

    def completed(after):
        ended = sluice.run(pipeline, *DATED)
        assert ended.code == 0, f"after {after}: exit {ended.code}\n{ended.err}"
        for place, content in zip(stores, baseline, strict=True):
            assert place.content() == content, f"after {after}:\n  {differences(place.content(), content)}"
            place.clear()

    kills = 0
    for step in dice.sample(sorted(steps), 4):
        # Each life of the run comes some batches further.
        for visit in (1, dice.randrange(1, 5), dice.randrange(1, 4)):
            ended = sluice.run(pipeline, *DATED, environment={"SLUICE_FAILPOINT": f"{step}#{visit}=kill"})
            if ended.code == 0:
                break
            assert ended.code == -signal.SIGKILL, f"{step}#{visit}: {ended.err}"
            kills += 1
            for place in stores:
                place.check_crashed()
        completed(f"kills at {step}")
    for _ in range(6):
        process = sluice.start_run(pipeline, *DATED)
        time.sleep(dice.uniform(0.0, result.elapsed * 0.8))
        ended = process.poll() or process.kill()
        kills += ended.code != 0
        if dice.random() < 0.3 and ended.code != 0:
            completed("a kill at a random moment")
    completed("kills at random moments")
    KILLS["of archives"] += kills

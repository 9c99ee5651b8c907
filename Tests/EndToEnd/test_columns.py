"""Columns of one's own, pulled out of an endpoint's members, with either layout in every sink."""

import gzip
import json

import pytest
from support.content import ENDPOINT_COLUMNS, MERGE_COLUMNS, Store
from support.ndjson import Folder
from support.scripted_server import Answer
from support.shapes import DOCUMENT_COLUMNS, KEY, hashed

#: (name, from, as, separator)
COLUMNS = [
    ("interests", ["Attributes", "Interests"], "joined", None),
    ("interests_bar", "Attributes.Interests", "joined", " | "),
    ("interests_none", "Attributes.Interests", "joined", ""),
    ("first_interest", "Attributes.Interests", "first", None),
    ("interests_json", "Attributes.Interests", "json", None),
    ("mail", ["Attributes", "e-mail.work"], "first", None),
    ("age", "Attributes.age", "number", None),
    ("visits", "Metrics.visits", "number", None),
    ("tier", "User.UserAttributes.tier", "first", None),
    ("Tiers", ["User", "UserAttributes", "tier"], "json", None),
    ("city", "Location.City", "first", None),
    ("channel", "ChannelType", "json", None),
    ("latitude", "Location.Latitude", "number", None),
    ("unknown", "Unknown", "json", None),
    ("deep", "Unknown.deep", "first", None),
    ("select", "Attributes.plan", "first", None),
]
KINDS = {"first": "text", "joined": "text", "json": "json", "number": "real"}


def flatten(layout="normalized", columns=COLUMNS):
    entries = []
    for name, path, kind, separator in columns:
        entry = {"name": name, "from": path, "as": kind}
        entries.append(entry if separator is None else {**entry, "separator": separator})
    return {"layout": layout, "columns": entries}


ENDPOINTS = {
    "all": (
        {
            "Attributes": {
                "Interests": ["sailing", "réading, books", "sailing"], "e-mail.work": ["a@example.com", "b@example.com"],
                "age": ["39", "40"], "plan": ["it's \"quoted\""],
            },
            "Metrics": {"visits": 6}, "Location": {"City": "Köln", "Latitude": 50.9}, "ChannelType": "EMAIL",
            "User": {"UserAttributes": {"tier": ["gold", "silver"]}}, "Unknown": {"deep": ["bottom"], "n": 1.50},
        },
        {
            "interests": "sailing,réading, books,sailing", "interests_bar": "sailing | réading, books | sailing",
            "interests_none": "sailingréading, bookssailing", "first_interest": "sailing",
            "interests_json": ["sailing", "réading, books", "sailing"], "mail": "a@example.com", "age": 39.0, "visits": 6.0,
            "tier": "gold", "Tiers": ["gold", "silver"], "city": "Köln", "channel": "EMAIL", "latitude": 50.9,
            "unknown": {"deep": ["bottom"], "n": 1.50}, "deep": "bottom", "select": "it's \"quoted\"",
        },
    ),
    "nothing": ({}, {}),
    "same but for case": (
        {
            "Attributes": {"interests": ["no"], "INTERESTS": ["no"], "Age": ["1"]}, "User": {"UserAttributes": {"Tier": ["no"]}},
            "Metrics": {"Visits": 1}, "unknown": {"deep": "no"},
        },
        {},
    ),
    "one value": (
        {"Attributes": {"Interests": ["x"], "age": ["-1.5e3"]}, "Metrics": {"visits": 0.1}},
        {
            "interests": "x", "interests_bar": "x", "interests_none": "x", "first_interest": "x", "interests_json": ["x"],
            "age": -1500.0, "visits": 0.1,
        },
    ),
    "an empty text": (
        {"Attributes": {"Interests": ["", ""], "plan": [""]}},
        {
            "interests": ",", "interests_bar": " | ", "interests_none": "", "first_interest": "", "interests_json": ["", ""],
            "select": "",
        },
    ),
}  # fmt: skip


def answer(request):
    members = ENDPOINTS[request.user][0]
    return Answer(body=json.dumps({"Item": [{"Id": request.user, **members}]}, ensure_ascii=False).encode())


def pipeline_of(sluice, scripted, tmp_path, sinks, answer=answer, users=ENDPOINTS, name="columns", **settings):
    (tmp_path / "users.txt").write_text("\n".join(users) + "\n")
    return sluice.pipeline(name, scripted(answer).url, tmp_path / "users.txt", sinks=sinks, **settings)


def check(rows):
    """`rows` is {ID: {column: cell}}, JSON as values."""
    for identity, (_, want) in ENDPOINTS.items():
        for name, _, _, _ in COLUMNS:
            cell, should = rows[identity][name], want.get(name)
            assert cell == should and type(cell) is type(should), f"{identity}: {name} is {cell!r}, not {should!r}"


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_columns_in_sqlite(sluice, scripted, tmp_path, layout):
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite"}]
    pipeline = pipeline_of(sluice, scripted, tmp_path, sinks, flatten=flatten(layout))
    result = sluice.run(pipeline).expect(0)
    assert result.summary["not_numbers"] == 0
    store = Store(pipeline.database)
    base = ENDPOINT_COLUMNS if layout == "normalized" else DOCUMENT_COLUMNS
    base = [*base, *MERGE_COLUMNS]
    assert store.columns("endpoints") == [*base, *(name for name, _, _, _ in COLUMNS)], "they stand behind the others"
    types = {row[1]: row[2] for row in store.query("PRAGMA table_info(endpoints)")}
    wanted = {"text": "TEXT", "json": "TEXT", "real": "REAL"}
    assert {name: types[name] for name, _, _, _ in COLUMNS} == {name: wanted[KINDS[kind]] for name, _, kind, _ in COLUMNS}
    rows = {}
    names = [name for name, _, _, _ in COLUMNS]
    for row in store.query(f"SELECT endpoint_id, {', '.join(quoted(name) for name in names)} FROM endpoints"):
        rows[row[0]] = dict(zip(names, row[1:], strict=True))
    for row in rows.values():
        for name, _, kind, _ in COLUMNS:
            if kind == "json" and row[name] is not None:
                row[name] = json.loads(row[name])
    check(rows)


def quoted(name):
    return f'"{name}"'


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_columns_in_postgres(sluice, scripted, postgres, tmp_path, layout):
    database = postgres()
    pipeline = pipeline_of(sluice, scripted, tmp_path, [database.sink()], flatten=flatten(layout))
    sluice.run(pipeline).expect(0)
    store = database.store()
    wanted = {"text": "text", "json": "jsonb", "real": "double precision"}
    assert store.columns("endpoints")[-len(COLUMNS) :] == [(name, wanted[KINDS[kind]]) for name, _, kind, _ in COLUMNS]
    rows, names = {}, [name for name, _, _, _ in COLUMNS]
    for row in store.query(f"SELECT endpoint_id, {', '.join(quoted(name) for name in names)} FROM endpoints"):
        cells = dict(zip(names, row[1:], strict=True))
        for name, _, kind, _ in COLUMNS:
            if cells[name] is not None:
                cells[name] = {"json": json.loads, "number": float}.get(kind, str)(cells[name])
        rows[row[0]] = cells
    check(rows)


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_columns_in_ndjson(sluice, scripted, tmp_path, layout):
    sinks = [{"type": "ndjson", "path": "out/lines", "mode": "append"}]
    pipeline = pipeline_of(sluice, scripted, tmp_path, sinks, flatten=flatten(layout))
    sluice.run(pipeline).expect(0)
    base = ENDPOINT_COLUMNS if layout == "normalized" else DOCUMENT_COLUMNS
    rows = {}
    for path in Folder(pipeline.folder / "out/lines").current.paths("endpoints"):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            row = json.loads(line)
            assert list(row) == [*base, *(name for name, _, _, _ in COLUMNS)]
            for name, _, kind, _ in COLUMNS:
                if row[name] is not None and kind in ("number", "json"):
                    # JSON is text that holds it, so that the column has one type in every row.
                    row[name] = float(row[name]) if kind == "number" else json.loads(row[name])
            rows[row["endpoint_id"]] = row
    check(rows)


def one_endpoint(**members):
    return lambda request: Answer(body=json.dumps({"Item": [{"Id": request.user, **members}]}).encode())


NOT_NUMBERS = ["many", "", " ", "1,5", "0x10", "NaN", "Infinity", "12 ", "１２", "1_000", "1e", "--1", "null", "true"]


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_what_isn_t_a_number(sluice, scripted, tmp_path, layout):
    """It goes to `extra` at its place, is counted, and its column is null."""
    texts = [*NOT_NUMBERS, "12", "-0.5", "1E2"]

    def answer(request):
        number = int(request.user)
        return one_endpoint(Attributes={"age": [texts[number]], "kept": ["x"]}, Metrics={"m": "7"})(request)

    users = [str(number) for number in range(len(texts))]
    columns = [("age", "Attributes.age", "number", None)]
    pipeline = pipeline_of(
        sluice, scripted, tmp_path, [{"type": "sqlite", "path": "out/endpoints.sqlite"}], answer, users,
        flatten=flatten(layout, columns),
    )  # fmt: skip
    result = sluice.run(pipeline).expect(0)
    assert result.summary["not_numbers"] == len(NOT_NUMBERS), result.summary
    rows = Store(pipeline.database).query("SELECT endpoint_id, age, extra FROM endpoints")
    rows = {texts[int(identity)]: (age, json.loads(extra)) for identity, age, extra in rows}
    for text in NOT_NUMBERS:
        age, extra = rows[text]
        assert age is None and extra.get("Attributes", {}).get("age") == [text], f"{text!r}: {age!r}, {extra}"
    for text in texts[len(NOT_NUMBERS) :]:
        age, extra = rows[text]
        assert age == float(text) and "Attributes" not in extra, f"{text!r}: {age!r}, {extra}"


def test_numbers_that_a_double_can_t_hold(sluice, scripted, tmp_path):
    """Their column has the nearest double, or nothing; `extra` has them as they were."""
    texts = ["12345678901234567890", "0.1000000000000000055511151231257827", "1e400", "-1e999", "9007199254740993", "1e-400"]

    def answer(request):
        number = texts[int(request.user)]
        return Answer(body=f'{{"Item":[{{"Id":"{request.user}","Attributes":{{"n":["{number}"]}},"x":{number}}}]}}'.encode())

    users = [str(number) for number in range(len(texts))]
    columns = [("n", "Attributes.n", "number", None), ("x", "x", "number", None)]
    pipeline = pipeline_of(
        sluice, scripted, tmp_path, [{"type": "sqlite", "path": "out/endpoints.sqlite"}], answer, users,
        flatten=flatten(columns=columns),
    )  # fmt: skip
    sluice.run(pipeline).expect(0)
    for identity, n, x, extra in Store(pipeline.database).query("SELECT endpoint_id, n, x, extra FROM endpoints"):
        text = texts[int(identity)]
        value = float(text)
        value = None if value in (float("inf"), float("-inf")) else value
        assert (n, x) == (value, value), f"{text}: {n}, {x}"
        assert text in extra, f"{text} is lost: {extra}"


def test_columns_come_after_transforms(sluice, scripted, tmp_path):
    """A masked member is masked in its own column too, a dropped one is null there."""
    transforms = [
        {"type": "mask", "paths": ["Attributes.Interests", "Location.City"], "with": "hmac-sha256", "key": KEY},
        {"type": "drop", "paths": [["Attributes", "e-mail.work"], "Metrics", "User.UserAttributes"]},
    ]
    sinks = [
        {"type": "sqlite", "name": "masked", "path": "out/masked.sqlite", "transforms": transforms},
        {"type": "sqlite", "name": "full", "path": "out/full.sqlite"},
    ]
    pipeline = pipeline_of(sluice, scripted, tmp_path, sinks, users=["all"], flatten=flatten())
    sluice.run(pipeline).expect(0)
    query = "SELECT interests, first_interest, interests_json, mail, visits, tier, Tiers, city, age FROM endpoints"
    want = [hashed(text) for text in ("sailing", "réading, books", "sailing")]
    (row,) = Store(pipeline.folder / "out/masked.sqlite").query(query)
    assert (row[0], row[1], json.loads(row[2])) == (",".join(want), want[0], want)
    assert row[3:] == (None, None, None, None, hashed("Köln"), 39.0)
    assert Store(pipeline.folder / "out/full.sqlite").query(query)[0][3:6] == ("a@example.com", 6.0, "gold")


def test_separators_and_lists_of_anything(sluice, scripted, tmp_path):
    """A list's nulls, numbers and maps make no text up, and what a column can't say stays in `extra`."""
    members = {"Attributes": {"Interests": ["a", None, 5, {"x": "y"}, "b"], "plan": "not a list", "age": [7]}}
    columns = [(name, path, kind, separator) for name, path, kind, separator in COLUMNS if "nterest" in name or name in ("select", "age")]
    pipeline = pipeline_of(
        sluice, scripted, tmp_path, [{"type": "sqlite", "path": "out/endpoints.sqlite"}], one_endpoint(**members), ["anna"],
        flatten=flatten(columns=columns),
    )  # fmt: skip
    sluice.run(pipeline).expect(0)
    ((first, whole, plan, extra),) = Store(pipeline.database).query(
        'SELECT first_interest, interests_json, "select", extra FROM endpoints'
    )
    assert first == "a" and plan in ("not a list", None)
    assert json.loads(whole) == members["Attributes"]["Interests"]
    assert json.loads(extra)["Attributes"]["Interests"] == members["Attributes"]["Interests"]
    assert json.loads(extra)["Attributes"]["plan"] == "not a list"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_columns_for_a_table_that_is_there(sluice, scripted, tmp_path, request, kind, mode):
    """`on_new_columns`: added, or refused with nothing changed."""
    if kind == "postgres":
        database = request.getfixturevalue("postgres")()
        sink, store = database.sink(mode), database.store()
    else:
        sink = {"type": "sqlite", "path": str(tmp_path / "out.sqlite"), "mode": mode}
        store = Store(tmp_path / "out.sqlite")

    def names():
        return [name if isinstance(name, str) else name[0] for name in store.columns("endpoints")]

    pipeline = pipeline_of(sluice, scripted, tmp_path, [sink], flatten=flatten(columns=COLUMNS[:2]))
    sluice.run(pipeline, "--logical-date", "2026-01-01T00:00:00Z").expect(0)
    before = (names(), sorted(store.query("SELECT * FROM endpoints"), key=repr))
    pipeline.document.update(flatten=flatten(), on_new_columns="refuse")
    pipeline.write()
    result = sluice.run(pipeline, "--logical-date", "2026-01-02T00:00:00Z").expect(78)
    assert "first_interest" in result.message or "on_new_columns" in result.message
    assert (names(), sorted(store.query("SELECT * FROM endpoints"), key=repr)) == before
    pipeline.document["on_new_columns"] = "add"
    pipeline.write()
    sluice.run(pipeline, "--logical-date", "2026-01-02T00:00:00Z").expect(0)
    own = MERGE_COLUMNS if mode == "merge" else []
    assert set(names()) == {*ENDPOINT_COLUMNS, *own, *(name for name, _, _, _ in COLUMNS)}
    found = store.query("SELECT first_interest, mail FROM endpoints WHERE endpoint_id = 'all' AND mail IS NOT NULL")
    assert [tuple(row) for row in found] == [("sailing", "a@example.com")]
    # Taken out of the pipeline again, a column stays and is null in new rows; a merge leaves columns that it doesn't know,
    # which may be somebody's own.
    pipeline.document["flatten"] = flatten(columns=COLUMNS[:1])
    pipeline.write()
    sluice.run(pipeline, "--logical-date", "2026-01-03T00:00:00Z").expect(0)
    if mode != "append":
        rows = store.query("SELECT interests FROM endpoints WHERE endpoint_id = 'all'")
        assert [tuple(row) for row in rows] == [("sailing,réading, books,sailing",)]
        if "mail" in names():
            left = {tuple(row) for row in store.query("SELECT DISTINCT mail FROM endpoints")}
            assert left == {(None,)} if mode == "replace" else ("a@example.com",) in left

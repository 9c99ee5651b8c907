"""The Spark example: on a cluster whose tasks, workers and executors die, the rows are those of a run on one machine."""

import json

import pytest
from support.archives import archive, compare, endpoint, line, listing, merged, numbered, spread
from support.content import TABLES
from support.postgres import ROLE
from support.shards import DATED, RUN
from support.spark_calls import Cluster, spark  # noqa: F401

BROKEN = [b"no JSON\n", b'{"Address":"no Id"}\n']
#: What takes the place of a date, so that exports which overlap have to be told apart.
DATES = [None, "0001-01-01T00:00:00.000Z", "1883-11-18T12:03:58.125Z", "9999-12-31T23:59:59.999Z", "yesterday"]
FATES = ["itself", "caller", "executor"]


def overlapping(dice, count):
    """Lines in which most endpoints stand several times: with equal dates, ancient ones, and none."""
    lines = []
    for number in range(count):
        for version in range(dice.choice([1, 2, 3, 5])):
            dated = {"EffectiveDate": dice.choice(DATES)} if dice.random() < 0.5 else {}
            lines.append(line(endpoint(number, version if dice.random() < 0.7 else 0, **dated)))
    dice.shuffle(lines)
    return lines


def awkward(dice, count):
    """Lines of as many endpoints, each once, some with what is hard to carry."""
    members = [
        {"Attributes": {"ünï\u2028 \"q\"": ["", "\t\n", "\u0000", "007"]}, "Metrics": {"m": 1e21, "n": -0.0, "x": 1e-7}},
        {"User": None, "Address": "\\N", "Unknown": {"a": [1e308, 12345678901234567890]}},
        {"Location": {"Latitude": 52.5, "Longitude": -0.1}, "EffectiveDate": "1066-10-14T09:00:00.000Z"},
    ]  # fmt: skip
    return [line(endpoint(number, number % 3, **(dice.choice(members) if number % 4 == 0 else {}))) for number in range(count)]


@pytest.mark.limit(600)
@pytest.mark.parametrize(
    "files, by, layout, killed",
    [
        (8, "task", "document", 1),
        *(
            pytest.param(*case, marks=pytest.mark.soak)
            for case in [
                (8, "pipe", "normalized", 3), (8, "task", "normalized", 3), (40, "task", "document", 14),
                (40, "pipe", "document", 14), (40, "task", "normalized", 14), (40, "pipe", "normalized", 14),
            ]
        ),
    ],
)  # fmt: skip
def test_what_a_cluster_makes(sluice, spark, postgres, tmp_path, dice, files, by, layout, killed):  # noqa: F811
    """With tasks killed, others slow, and speculation: equal to a run, in files and in Postgres."""
    lines = overlapping(dice, 400) if layout == "document" else awkward(dice, 1200)
    for text in BROKEN:
        lines.insert(dice.randrange(len(lines)), text)
    folder = tmp_path / "exports"
    paths = spread(folder, lines, files, dice)
    (folder / ".hidden.json").write_bytes(line(endpoint(1)))
    database = postgres()
    sinks = [{"type": "ndjson", "path": "out", "mode": "replace"}, database.sink("replace")]
    pipeline = archive(
        sluice, "whole", folder, sinks=sinks, limits={"accept_failed": 10}, flatten={"layout": layout}
    )  # fmt: skip
    sluice.run(pipeline, *DATED).expect(0)

    names = [path.name for path in dice.sample(paths, killed + 1)]
    fates = {name: dice.choice(FATES) for name in names[:killed]} | {names[killed]: "slow"}
    cluster = Cluster(spark, tmp_path / "spark")
    target = postgres()
    definitions = sluice("tables", pipeline.file, "--as", "postgres").expect(0).out.split("-- Loading")[0]
    definitions = definitions.replace("\\set ON_ERROR_STOP on", "")
    target.psql("CREATE SCHEMA pinpoint", "SET search_path TO pinpoint", definitions, user=ROLE)
    url = target.url(options="-csearch_path=pinpoint")
    code = cluster.submit(
        folder, tmp_path / "tables", "--pipeline", pipeline.file, "--by", by, "--json", "--postgres", url,
        "--sluice", cluster.stage(sluice.binary, fates),
    )  # fmt: skip
    assert code == 65, cluster.printed[-6000:]
    assert "2 records failed" in cluster.printed and cluster.met == set(fates)

    # The rows as files, by the program.
    published = pipeline.folder / "out" / "current"
    tables = [table["name"] for table in json.loads((published / "manifest.json").read_text())["tables"]]
    said = json.loads(sluice("verify", published, tmp_path / "tables/json", "--output", "json").expect(0).out)
    assert said["equal"] and [table["name"] for table in said["tables"]] == tables
    counts = {table["name"]: [side["rows"] for side in table["sinks"]] for table in said["tables"]}
    assert counts["failures"] == [2, 2] and counts["endpoints"][1] == (400 if layout == "document" else 1200)

    # And in Postgres, beside the sink's, and beside rows that another program makes.
    for table in tables:
        without = {"run_id", "logical_date", "message", "request_id", "attempts"}
        columns = ", ".join(name for name, _ in target.store().columns(table) if name not in without)
        query = f"SELECT {columns} FROM pinpoint.{table}"
        assert sorted(target.store().query(query), key=repr) == sorted(database.store().query(query), key=repr), table
    if layout == "normalized":
        records = [(ordinal, text) for ordinal, text in numbered(listing(folder)) if text + b"\n" not in BROKEN]
        want = merged([text for _, text in records], RUN, None, numbers=[ordinal for ordinal, _ in records])
        read = target.store().query
        compare(
            lambda table: read(f"SELECT {', '.join(TABLES[table])} FROM pinpoint.{table}"), want,
            without=("run_id", "logical_date"),
        )  # fmt: skip

"""The dbt project among the examples: after each night its incremental model is what a build from nothing gives."""

import shutil
from pathlib import Path

import pytest
from support.dbt_calls import Project, dbt  # noqa: F401
from support.postgres import PASSWORD, ROLE
from test_changes import Nights, answers_of_chance, document, night

EXAMPLE = Path(__file__).parents[2] / "Examples/dbt"
NAMES = [f"a{number}" for number in range(5)]
#: What stands in the synthetic answers, in place of what the example names.
VARIABLES = {
    "attributes": [{"name": name, "column": f"{name}_values"} for name in NAMES],
    "metrics": [{"name": "m", "column": "m"}],
}
MODEL = "model.pinpoint_marts.endpoint_profiles"
COMPLETE = "test.pinpoint_marts.profiles_are_complete"


class Marts:
    """Nights of a pipeline into one database, and the models over its tables."""

    def __init__(self, sluice, postgres, scripted, tmp_path, dbt):
        self.nights = Nights(sluice, postgres, scripted, tmp_path)
        self.database = self.nights.database
        self.nights.sinks = lambda name: [self.database.sink("merge")]
        shutil.copytree(EXAMPLE, tmp_path / "project")
        cluster = self.database.cluster
        self.dbt = Project(dbt, tmp_path / "project", {
            "PGHOST": "127.0.0.1", "PGPORT": str(cluster.port), "PGDATABASE": self.database.name, "PGUSER": ROLE,
            "PGPASSWORD": PASSWORD,
        })  # fmt: skip
        self.store = self.database.store()
        self.variables = VARIABLES

    def build(self, **variables):
        """Builds the models and runs their tests; returns what failed."""
        success, results = self.dbt("build", variables={**self.variables, **variables}, DBT_SCHEMA="marts")
        assert MODEL in results and len(results) > 15, results
        failed = [name for name, (status, _) in results.items() if status not in ("success", "pass")]
        assert success == (not failed), results
        return failed

    def profiles(self, schema="marts"):
        """Rows by the endpoint's ID."""
        columns = ", ".join(name for name, _ in self.database.store(schema).columns("endpoint_profiles"))
        return {row[0]: row for row in self.query(f"SELECT endpoint_id, {columns} FROM {schema}.endpoint_profiles")}

    def twin(self):
        """The rows that a build from nothing gives, beside the others."""
        success, results = self.dbt(
            "run", "--full-refresh", "--select", "endpoint_profiles", variables=self.variables, DBT_SCHEMA="twin"
        )
        assert success, results
        return self.profiles("twin")

    def places(self):
        """Where each row stands, and which transaction has written it."""
        return {
            identity: (version, place)
            for identity, version, place in self.query("SELECT endpoint_id, xmin, ctid FROM marts.endpoint_profiles")
        }

    def dates(self):
        return dict(self.query("SELECT endpoint_id, changed_at FROM pinpoint.endpoints"))

    def query(self, sql):
        return self.store.query(sql)

    def expected(self):
        """Some of the model's columns, put together here from the tables."""
        values = {}
        for identity, name, value in self.query(
            "SELECT endpoint_id, name, value FROM pinpoint.endpoint_attributes ORDER BY endpoint_id, name, position"
        ):
            values.setdefault((identity, name), []).append(value)
        metrics = dict(self.query("SELECT endpoint_id, value FROM pinpoint.endpoint_metrics WHERE name = 'm'"))
        return {
            identity: (
                user, opt_out, metrics.get(identity),
                *(", ".join(values[identity, name]) if (identity, name) in values else None for name in NAMES),
            )
            for identity, user, opt_out in self.query("SELECT endpoint_id, user_id, opt_out FROM pinpoint.endpoints")
        }  # fmt: skip

    def found(self):
        columns = ", ".join(["user_id", "opt_out", "m", *(f"{name}_values" for name in NAMES)])
        rows = self.query(f"SELECT endpoint_id, {columns} FROM marts.endpoint_profiles")
        return {identity: tuple(rest) for identity, *rest in rows}


@pytest.fixture
def marts(sluice, postgres, scripted, tmp_path, dbt):  # noqa: F811
    made = Marts(sluice, postgres, scripted, tmp_path, dbt)
    yield made
    made.dbt.end()


@pytest.mark.limit(240)
def test_nights_of_chance(marts, dice):
    held = {f"user-{number}": {} for number in range(40)}
    again = document("again", OptOut="ALL")
    before, taken = {}, {}
    came_back = removed = 0
    for number in range(1, 7):
        answers = answers_of_chance(dice, held, lambda dice: {"OptOut": dice.choice(["ALL", "NONE"])})
        # One that goes and comes back as it was.
        answers["anna"] = [again] if number % 2 else []
        marts.nights.run(number, answers)
        if number == 4:
            continue  # a night without dbt
        assert marts.build() == []
        dates, places = marts.dates(), marts.places()
        assert places.keys() == dates.keys() and marts.profiles() == marts.twin() and marts.found() == marts.expected()
        changed = {identity for identity in dates if dates[identity] != taken.get(identity)}
        for identity, place in places.items():
            assert (before.get(identity) == place) == (identity not in changed), identity
        removed += len(taken.keys() - dates.keys())
        came_back += "again" in dates and "again" not in taken
        if number > 1:
            assert len(changed) < len(dates), "some are the same"
        before, taken = places, dates
    assert removed > 0 and came_back >= 2
    # Nothing has changed since: nothing is written.
    assert marts.build() == [] and marts.places() == before
    success, results = marts.dbt("source", "freshness", variables=VARIABLES)
    assert success and [status for status, _ in results.values()] == ["pass"], results


@pytest.mark.limit(240)
def test_a_run_of_an_earlier_date(marts):
    """Its changes lie before what is built: a test says so, and a build from that date on takes them. The project is as it
    is shipped."""
    marts.variables = {}
    marts.nights.run(20, {"anna": [document("phone"), document("mail")], "bert": [document("fax")]})
    assert marts.build() == []
    marts.nights.run(21, {"anna": [document("mail")]})
    marts.nights.run(10, {"anna": [document("mail", OptOut="ALL"), document("phone")], "bert": []})
    # The one went and came back, the second is another one, and the third is gone.
    assert COMPLETE in marts.build()
    assert marts.build(since=night(10)[0]) == []
    assert marts.profiles() == marts.twin() and marts.profiles().keys() == {"mail", "phone"}
    columns = "endpoint_id, opt_out, is_reachable, interests, plan, visits"
    assert sorted(marts.query(f"SELECT {columns} FROM marts.endpoint_profiles")) == [
        ("mail", "ALL", "f", "sailing, reading", "gold", "3"), ("phone", None, "t", "sailing, reading", "gold", "3"),
    ]  # fmt: skip
    assert marts.query("SELECT * FROM marts.reach_by_channel") == [("EMAIL", "2", "1", "1")]
    assert sorted(marts.query("SELECT reason, endpoints FROM marts.removals_by_date")) == [("gone", "1"), ("gone", "1")]

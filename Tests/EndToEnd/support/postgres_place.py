"""Postgres as the suite of kills sees it."""

import functools

from support.content import TABLES
from support.kills import Place


def connected(method):
    """One session for all that a method asks."""

    @functools.wraps(method)
    def asking(place):
        with place.database.connected():
            return method(place)

    return asking


class PostgresPlace(Place):
    """A store that is a database; whatever happens to it, it keeps its name and so its URL."""

    def __init__(self, database, mode):
        self.database, self.mode = database, mode
        self.store = database.store()
        self.kept = None

    @property
    def sink(self):
        return self.database.sink(self.mode)

    def clear(self):
        self.database.drop()
        self.database.cluster.database(name=self.database.name)

    def keep(self):
        if self.kept:
            self.kept.drop()
        name = f"{self.database.name}_kept"
        self.kept = self.database.cluster.database(template=self.database, name=name)

    def restore(self):
        self.database.drop()
        self.database.cluster.database(template=self.kept, name=self.database.name)

    @connected
    def content(self):
        tables = self.store.tables()
        waiting = [name for name in tables if name not in TABLES and not name.startswith(("sluice_", "user_"))]
        waiting += [name for name in tables if name.startswith("sluice_next_")]
        return {
            **{table: self.store.rows(table) for table in TABLES},
            "view": sorted(self.store.query("SELECT * FROM user_attributes")),
            "schema": [self.store.describe(name) for name in tables if not name.startswith("sluice_next_")],
            "owners": sorted(self.store.query("SELECT * FROM sluice_tables")),
            "account": self.store.account(),
            "leftovers": [(name, self.store.count(name)) for name in waiting if self.store.count(name) > 0],
        }

    @connected
    def published(self):
        if "users" not in self.store.tables():
            return {}
        rows = {table: self.store.rows(table) for table in TABLES if table != "failures"}
        # Before the first run is published, its tables are there and hold nothing.
        return rows if any(rows.values()) else {}

    @connected
    def check_crashed(self):
        """Rows and checkpoint speak of the same batches."""
        if self.mode == "replace" or not {"users", "failures", "sluice_checkpoints"} <= set(self.store.tables()):
            return
        # One statement, for the dead client's server process may be about to end its last one.
        rows = self.store.query(
            "SELECT (SELECT count(*) FROM users u WHERE u.run_id = c.run_id) + "
            "(SELECT count(*) FROM failures f WHERE f.run_id = c.run_id), next_ordinal FROM sluice_checkpoints c"
        )
        for written, ordinal in rows:
            assert written == ordinal, f"{written} users and failures up to ordinal {ordinal}"

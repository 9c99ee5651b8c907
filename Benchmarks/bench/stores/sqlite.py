"""What an SQLite database holds."""

import sqlite3
import subprocess
from contextlib import closing

#: What says when a row was written rather than what it says, and what only one side keeps.
LEFT_ASIDE = {"run_id", "logical_date", "ordinal", "changed_at"}
TABLES = ["users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures"]


def content(path):
    """{table: (rows, hash)}; the hash, made by the sqlite3 shell, knows texts from numbers."""
    answers = {}
    with closing(sqlite3.connect(path)) as store:
        for table in TABLES:
            described = store.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
            columns = [name for name, _ in described if name not in LEFT_ASIDE]
            key = [name for name, place in sorted(described, key=lambda each: each[1]) if place and name in columns]
            if not columns:
                continue
            query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(key or columns)}"
            count = store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            answers[table] = (count, shell(path, f"SELECT hex(sha3_query('{query}', 256))").strip().lower())
    return answers


def shell(path, *statements):
    done = subprocess.run(["sqlite3", "-batch", path, *statements], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"sqlite3 ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def statements(path):
    """The statements that make the tables of rows, with their indexes, as the program made them."""
    with closing(sqlite3.connect(path)) as store:
        found = store.execute(
            f"SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL"
            f" AND tbl_name IN ({', '.join('?' * len(TABLES))}) ORDER BY rowid",
            TABLES,
        )
        return "".join(f"{sql};\n" for (sql,) in found)


def pages(path):
    """Bytes of a database, its WAL aside."""
    with closing(sqlite3.connect(path)) as store:
        return store.execute("PRAGMA page_count").fetchone()[0] * store.execute("PRAGMA page_size").fetchone()[0]

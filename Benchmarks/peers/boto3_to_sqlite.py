"""Exports users over the API into SQLite with boto3, as a good engineer would without a tool for it.

    boto3_to_sqlite.py URL APPLICATION USERS SCHEMA DATABASE RUN LOGICAL_DATE

64 threads call, each with a connection of the pool; one thread, this one, flattens and writes, 500 users in a
transaction, as durably as the program does. Answers are taken in the order of the users, a few hundred ahead.
"""

import sqlite3
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from endpoint_rows import TABLES, USERS, Flattening

THREADS = 64
BATCH = 500


def main():
    url, application, users, schema, database, run_id, logical_date = sys.argv[1:]
    client = boto3.client(
        "pinpoint",
        region_name="eu-central-1",
        endpoint_url=url,
        config=Config(max_pool_connections=THREADS, retries={"mode": "standard", "max_attempts": 8}),
    )

    def fetch(user):
        try:
            answer = client.get_user_endpoints(ApplicationId=application, UserId=user)
            return user, answer["EndpointsResponse"]["Item"]
        except client.exceptions.NotFoundException:
            return user, None

    store = sqlite3.connect(database, isolation_level=None)
    store.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;" + Path(schema).read_text()
    )
    insert = {
        table: f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        for table, columns in {"users": USERS, **TABLES}.items()
    }
    flattening = Flattening(run_id, logical_date)
    seen = []

    def commit():
        store.execute("BEGIN IMMEDIATE")
        store.executemany(insert["users"], seen)
        for table, rows in flattening.rows.items():
            store.executemany(insert[table], rows)
        store.execute("COMMIT")
        seen.clear()
        flattening.clear()

    with ThreadPoolExecutor(THREADS) as pool, open(users, encoding="utf-8") as lines:
        for ordinal, (user, endpoints) in enumerate(in_order(pool, fetch, map(str.strip, lines), ahead=8 * THREADS)):
            status, count = ("absent", 0) if endpoints is None else ("found", len(endpoints))
            seen.append((application, user, status, count, ordinal, run_id, logical_date))
            for endpoint in endpoints or ():
                flattening.add(endpoint, ordinal, application, user)
            if len(seen) == BATCH:
                commit()
    commit()
    store.close()


def in_order(pool, call, arguments, ahead):
    """As `pool.map`, but only so many calls ahead of what is taken: that one would submit all users at once."""
    waiting = deque()
    for argument in arguments:
        waiting.append(pool.submit(call, argument))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


main()

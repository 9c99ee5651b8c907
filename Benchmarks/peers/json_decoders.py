"""The speed of Python's json and of orjson over a file of answers, one a line, in processor time.

    json_decoders.py LINES ROUNDS

Prints MB/s of the fastest round of each, and how many rows the answers make, which is counted apart from any time.
"""

import json
import sys
import time

import orjson
from endpoint_rows import Flattening


def best(loads, lines, rounds):
    results = []
    for _ in range(rounds):
        start = time.process_time()
        for line in lines:
            loads(line)
        results.append(time.process_time() - start)
    return min(results)


def count_rows(lines):
    """A row for each user, and those of the endpoints."""
    rows, flattening = len(lines), Flattening("run", "date")
    for line in lines:
        for endpoint in orjson.loads(line)["Item"]:
            flattening.add(endpoint, 0)
        rows += sum(map(len, flattening.rows.values()))
        flattening.clear()
    return rows


def main():
    rounds = int(sys.argv[2])
    with open(sys.argv[1], "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    megabytes = sum(map(len, lines)) / 1e6
    print("json.loads %.1f" % (megabytes / best(json.loads, lines, rounds)))
    print("orjson %.1f" % (megabytes / best(orjson.loads, lines, rounds)))
    print("rows %d" % count_rows(lines))


main()

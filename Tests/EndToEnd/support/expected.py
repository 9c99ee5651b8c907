"""What must stand in the tables, worked out in Python from the server's `--outcomes` and `--archive` files."""

import csv
import json


def outcomes(path):
    """(user, status, number of endpoints) in input order, from the file that `sluice serve --outcomes` writes."""
    with open(path, newline="") as lines:
        text = lines.read()
    if text.startswith("{"):
        rows = [json.loads(line) for line in text.splitlines()]
        return [tuple(row.values()) for row in rows]
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    if not rows[0][-1].isdigit():
        rows = rows[1:]
    return [(user, status, int(count)) for user, status, count in rows]

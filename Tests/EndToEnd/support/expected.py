"""What must stand in the tables, worked out in Python from the server's `--outcomes` and `--archive` files."""

import csv


def outcomes(path):
    """(user, status, number of endpoints) in input order, from the file that `sluice serve --outcomes` writes."""
    with open(path, newline="") as lines:
        rows = csv.DictReader(lines)
        return [(row["user_id"], row["status"], int(row["endpoint_count"])) for row in rows]

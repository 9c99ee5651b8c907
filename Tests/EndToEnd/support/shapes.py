"""What rows transforms, layouts and extra columns make of endpoints, by Python's own means.

`edited` applies transforms to an endpoint as `flatten.parse` has it; `documents` turns an independent flattening's rows
into those of `layout: document`; `restored` goes the way back, from rows to endpoints.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path

from support.content import ENDPOINT_COLUMNS, TABLES
from support.sluice import APPLICATION

sys.path.insert(0, str(Path(__file__).parents[2] / "FlatteningTests" / "Oracle"))
import flatten as oracle  # noqa: E402

KEY = "a key of at least sixteen bytes: ü"

#: The maps that `layout: document` has in one column each, with the tables that hold them otherwise.
MAPS = {"attributes": "endpoint_attributes", "metrics": "endpoint_metrics", "user_attributes": "endpoint_user_attributes"}
WIRE = {"attributes": ("Attributes",), "metrics": ("Metrics",), "user_attributes": ("User", "UserAttributes")}

PLACE = ENDPOINT_COLUMNS.index("extra")
DOCUMENT_COLUMNS = [*ENDPOINT_COLUMNS[:PLACE], *MAPS, *ENDPOINT_COLUMNS[PLACE:]]

#: The tables of each layout, with their columns in order.
LAYOUTS = {
    "normalized": TABLES,
    "document": {"users": TABLES["users"], "endpoints": DOCUMENT_COLUMNS, "failures": TABLES["failures"]},
}


def hashed(text, key=KEY):
    """What `mask` with `hmac-sha256` makes of a text."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


# Plain endpoints, as json.loads gives them ----------------------------------------------------------------------------


def values_at(value, path):
    """All that stands at a path, `"*"` being any name."""
    if not path:
        return [value]
    if not isinstance(value, dict):
        return []
    names = list(value) if path[0] == "*" else [path[0]]
    return [found for name in names if name in value for found in values_at(value[name], path[1:])]


def without(value, path):
    """An endpoint without what stands at a path."""
    if not isinstance(value, dict):
        return value
    result = {}
    for name, member in value.items():
        if path[0] in ("*", name):
            if len(path) > 1:
                result[name] = without(member, path[1:])
        else:
            result[name] = member
    return result


def masked(value, path, change):
    """An endpoint with another text for each text at a path, and for each in a list there."""
    if not path:
        if isinstance(value, list):
            return [masked(element, (), change) for element in value]
        return change(value) if isinstance(value, str) else value
    if not isinstance(value, dict):
        return value
    return {
        name: masked(member, path[1:], change) if path[0] in ("*", name) else member for name, member in value.items()
    }


# Layout ---------------------------------------------------------------------------------------------------------------


def documents(tables):
    """The rows of `layout: document` that correspond to those of `normalized`, maps as [(name, value)] in wire order."""
    maps = {column: {} for column in MAPS}
    for column, table in MAPS.items():
        names = TABLES[table]
        for row in tables[table]:
            cells = dict(zip(names, row, strict=False))
            entries = maps[column].setdefault((row[0], row[1]), {})
            if column == "metrics":
                entries[cells["name"]] = cells["value"]
            else:
                entries.setdefault(cells["name"], []).append(cells["value"])
    endpoints = []
    for row in tables["endpoints"]:
        pulled = [list(maps[column].get((row[0], row[1]), {}).items()) for column in MAPS]
        endpoints.append([*row[:PLACE], *pulled, *row[PLACE:]])
    return {**{table: tables[table] for table in ("users", "failures")}, "endpoints": endpoints}


def entries(value):
    """[(name, value)] of a map's column, be it an object or NDJSON's list."""
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, dict):
        return list(value.items())
    for entry in value:
        assert list(entry) in (["name", "values"], ["name", "value"]), entry
    return [(entry["name"], entry["values"] if "values" in entry else entry["value"]) for entry in value]


# The way back ---------------------------------------------------------------------------------------------------------


def plain(value):
    """A value with numbers as tuples of `number` and with what stands in `$json` in its place."""
    if isinstance(value, dict):
        if list(value) == ["$json"] and isinstance(value["$json"], str):
            return loads(value["$json"])
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, oracle.Number):
        return number(value)
    return [plain(element) for element in value] if isinstance(value, list) else value


def loads(text):
    """JSON with numbers as their decimal values, however big."""
    return json.loads(text, parse_int=number, parse_float=number)


def number(text):
    """(sign, digits, exponent) of a number; Decimal itself can't hold all that JSON can."""
    mantissa, _, exponent = text.lower().partition("e")
    negative, mantissa = mantissa.startswith("-"), mantissa.lstrip("+-")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    shift = int(exponent or 0) - len(fraction)
    short = digits.rstrip("0")
    # What JSON itself doesn't distinguish: 6 and 6.0, 0 and -0.
    return ("number", negative, short, shift + len(digits) - len(short)) if short else ("number", False, "", 0)


def of_double(value):
    return number(repr(value)) if isinstance(value, float) else number(str(value))


TEXTS = {column: (name,) for name, column in [*oracle.TEXTS.items(), *oracle.DATES.items()]}
TEXTS |= {column: ("Demographic", name) for name, column in oracle.DEMOGRAPHIC.items()}
TEXTS |= {column: ("Location", name) for name, column in oracle.LOCATION.items()}
REALS = {column: ("Location", name) for name, column in oracle.REALS.items()}


def restored(row, maps):
    """The endpoint that a row of `endpoints` ({column: cell}) speaks of.

    `maps` is {column of MAPS: [(name, value)]}. `extra` may be text or a value with numbers as text; what it says wins.
    """
    extra = row["extra"]
    endpoint = plain(loads(extra) if isinstance(extra, str) else extra)
    put(endpoint, ("Id",), row["endpoint_id"])
    put(endpoint, ("ApplicationId",), row["application_id"])
    if row["user_id"] is not None:
        put(endpoint, ("User", "UserId"), row["user_id"])
    for column, path in TEXTS.items():
        if row[column] is not None:
            put(endpoint, path, row[column])
    for column, path in REALS.items():
        if row[column] is not None:
            put(endpoint, path, of_double(row[column]))
    for column, path in WIRE.items():
        for name, value in maps[column]:
            put(endpoint, (*path, name), of_double(value) if column == "metrics" else value)
    return endpoint


def put(endpoint, path, value):
    """Sets a member unless there is one, or something else is where it would stand."""
    for name in path[:-1]:
        endpoint = endpoint.setdefault(name, {})
        if not isinstance(endpoint, dict):
            return
    endpoint.setdefault(path[-1], value)


def answered(text, user=None):
    """An endpoint of an answer, or a line of an archive, as `restored` gives it.

    On the API path `user` is who was asked for; whether an answer repeats who that was can't be told from rows.
    """
    endpoint = loads(text)
    endpoint.setdefault("ApplicationId", APPLICATION)
    if user is not None:
        put(endpoint, ("User", "UserId"), user)
    return endpoint

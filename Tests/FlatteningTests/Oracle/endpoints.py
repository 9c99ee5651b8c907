"""Compares rows with those of flatten.py over generated endpoints that leave nothing as it should be.

    python3 endpoints.py PROGRAM [COUNT] [SEED]
"""
import json
import random
import struct
import sys

from flatten import Number, flatten
from frames import ask

sys.set_int_max_str_digits(0)

STRINGS = ['"a"', '""', '"\\u0000"', '"x\\u0000y"', '"\\ud800"', '"é\\udfff"', '"\\ud83d\\ude00"', '"😀"', '"日本"', '"\\n\\"\\\\\\/"',
           '"asked"', '"\\u0061sked"', '"app"', '"other"', '"a value that is longer than sixteen bytes, é included"',
           '"\\u00e9"', '"ACTIVE"', '"\\ufffd"', '"' + "x" * 70 + '"', '"' + "\\u00fc" * 30 + '"', '"$json"', '"\x7f"']
NUMBERS = ["0", "-0", "-0.0", "6", "6.0", "6.00", "60e-1", "0.1", "0.1000000000000000055511151231257827", "1e23",
           "12345678901234567890", "9007199254740993", "9007199254740992", "1e308", "1e309", "-1e999", "1e999999", "1e-400",
           "1e-16383", "1e-16384", "1e131071", "1e131072", "0e-16384", "0e999999", "0e99999999999", "5e-324", "4.9e-324", "52.52001",
           "-13.404954", "0.30000000000000004", "0.3000000000000000444", "1." + "0" * 50, "1." + "0" * 20000, "9" * 40,
           "123456789012345678", "1e15", "1e21", "1e22", "100000000000000000000000", "2.5e-7", "1.7976931348623159e308",
           "0.000001", "1E400", "1" + "0" * 310, "179769313486231570814527423731704356798070e267", "3.0e+00", "8.41e21"]
DATES = ['"2018-05-01T17:31:01.046Z"', '"2018-05-01T17:31:01Z"', '"2018-05-01T17:31:01.046123Z"',
         '"2018-05-01T17:31:01.046+02:00"', '"2018-05-01 17:31:01.5z"', '"2018-02-29T00:00:00.000Z"',
         '"2020-02-29T00:00:00.000Z"', '"2018-05-01"', '"2018-05-01T17:31:01.046"', '"2018-05-01T24:00:00.000Z"',
         '"0000-05-01T17:31:01.046Z"', '"0001-01-01T00:00:00.000+01:00"', '"9999-12-31T23:59:59.999-00:01"',
         '"2018-05-01t17:31Z"', '"2018-12-31T23:59:60.000Z"', '"2018-05-01T17:31:01,9-0530"', '"2018-05-01T17:31:01+14"',
         '"2018-05-01T17:31:01.046Z "', '"2018-13-01T17:31:01.046Z"', '"2018-00-01T17:31:01.046Z"', '"soon"',
         '"2018-05-31T23:59:59.999Z"', '"2018-04-31T23:59:59.999Z"', '"2018\\u002d05-01T17:31:01.046Z"',
         '"2018-05-01T17:31:01.046\\u0000"', '"1900-02-29T00:00:00.000Z"', '"2000-02-29T00:00:00.000Z"',
         '"2018-05-01T17:61:01.046Z"', '"2018-05-01T17:31:01.Z"', '"2018-05-01T17:31:01.046+24:00"', '"２018-05-01T17:31:01.046Z"',
         '"1969-12-31T23:59:59.001-23:59"', '"2018-05-00T17:31:01.046Z"', '"2018-05-01T17:31:01.046+0:0"']
WORDS = ["null", "true", "false"]
NAMES = ['"Interests"', '"a b"', '"\\u0000"', '"x\\ud800"', '"$json"', '"\\u0024json"', '"CohortId"', '""', '"é"', '"\\u0041"', '"A"',
         '"Id"', '"😀"', '"a name that is longer than sixteen bytes"']
TOP = ["Address", "ApplicationId", "Attributes", "ChannelType", "CohortId", "CreationDate", "Demographic",
       "EffectiveDate", "EndpointStatus", "Location", "Metrics", "OptOut", "RequestId", "User"]
DEMOGRAPHIC = ["AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion", "Timezone"]
LOCATION = ["City", "Country", "Latitude", "Longitude", "PostalCode", "Region"]


def space(r):
    return r.choice([" ", "\n", "\t "]) if r.random() < 0.03 else ""


def spelled(r, name):
    """A name, now and then with an escape in it."""
    if r.random() < 0.03:
        place = r.randrange(len(name))
        return '"%s\\u%04x%s"' % (name[:place], ord(name[place]), name[place + 1:])
    return '"%s"' % name


def anything(r, depth=3):
    kind = r.random()
    if depth == 0 or kind < 0.5:
        return r.choice(r.choice([STRINGS, NUMBERS, WORDS]))
    if kind < 0.75:
        return listing(r, [anything(r, depth - 1) for _ in range(r.randrange(4))])
    return mapping(r, [(r.choice(NAMES), anything(r, depth - 1)) for _ in range(r.randrange(4))])


def listing(r, items):
    return "[" + space(r) + ",".join(items) + "]"


def mapping(r, members):
    return "{" + space(r) + ",".join(n + space(r) + ":" + space(r) + v for n, v in members) + "}"


def odd(r, usual, share):
    return anything(r) if r.random() < share else usual()


def lists(r):
    def one():
        return listing(r, [odd(r, lambda: r.choice(STRINGS), 0.1) for _ in range(r.randrange(4))])
    return mapping(r, [(r.choice(NAMES), odd(r, one, 0.1)) for _ in range(r.randrange(5))])


def columns(r, names):
    chosen = r.sample(names, r.randrange(len(names) + 1))
    members = [(spelled(r, n), odd(r, lambda: r.choice(NUMBERS if n.endswith("itude") else STRINGS), 0.15)) for n in chosen]
    if r.random() < 0.1:
        members.append((r.choice(NAMES), anything(r)))
    return mapping(r, members)


def member(r, name):
    if name in ("CreationDate", "EffectiveDate"):
        return odd(r, lambda: r.choice(DATES), 0.1)
    if name == "Attributes":
        return odd(r, lambda: lists(r), 0.05)
    if name == "Metrics":
        return odd(r, lambda: mapping(
            r, [(r.choice(NAMES), odd(r, lambda: r.choice(NUMBERS), 0.1)) for _ in range(r.randrange(5))]), 0.05)
    if name == "Demographic":
        return odd(r, lambda: columns(r, DEMOGRAPHIC), 0.05)
    if name == "Location":
        return odd(r, lambda: columns(r, LOCATION), 0.05)
    if name == "User":
        members = []
        if r.random() < 0.8:
            members.append((spelled(r, "UserAttributes"), odd(r, lambda: lists(r), 0.05)))
        if r.random() < 0.8:
            members.append((spelled(r, "UserId"), odd(r, lambda: r.choice(STRINGS + ['"asked"'] * 20), 0.05)))
        if r.random() < 0.1:
            members.append((r.choice(NAMES), anything(r)))
        r.shuffle(members)
        return odd(r, lambda: mapping(r, members), 0.05)
    if name == "ApplicationId":
        return odd(r, lambda: r.choice(['"app"', '"app"', '"\\u0061pp"', '"other"']), 0.02)
    return odd(r, lambda: r.choice(STRINGS), 0.1)


def endpoint(r):
    names = r.sample(TOP, r.randrange(len(TOP) + 1))
    members = [(spelled(r, name), member(r, name)) for name in names]
    for _ in range(r.choice([0, 0, 0, 1, 2])):
        members.append((r.choice(NAMES[:-1] if r.random() < 0.5 else NAMES[5:9]), anything(r)))
    members = [m for m in members if m[0] != '"Id"']
    if r.random() > 0.01:
        members.append((spelled(r, "Id"), '"id-%d"' % r.randrange(10**9) if r.random() > 0.02 else anything(r)))
    r.shuffle(members)
    if members and r.random() < 0.1:
        members.append(r.choice(members))
        members[-1] = (members[-1][0], anything(r))
    return mapping(r, members)


def bits(value):
    return "%x" % struct.unpack("<Q", struct.pack("<d", value))


def told(table, rows):
    """Rows as json-check prints them."""
    def cell(column, value):
        if table == "failures" and column == 9:
            return ...
        if isinstance(value, float):
            return {"real": bits(value)}
        if (table, column) in TIMES and value is not None:
            return {"time": value}
        if isinstance(value, int) and not isinstance(value, bool):
            return Number(value)
        return value
    return [[cell(column, value) for column, value in enumerate(row)] for row in rows]


def ordered(value):
    """The same with the order of members told, so that it counts in a comparison."""
    if isinstance(value, dict):
        return ("map", [(name, ordered(member)) for name, member in value.items()])
    return [ordered(element) for element in value] if isinstance(value, list) else value


TIMES = {("users", 6), ("endpoints", 6), ("endpoints", 7), ("endpoints", 28), ("failures", 12)}


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**32)
    print(f"seed {seed}")
    r = random.Random(seed)
    frames = []
    for _ in range(count):
        form = r.randrange(3)
        if form == 1:
            frames.append((form, endpoint(r).encode()))
        else:
            items = [endpoint(r) for _ in range(r.randrange(4))]
            frames.append((form, mapping(r, [('"Item"', listing(r, items))]).encode()))
    failed = rows = extras = 0
    for (form, body), answer in zip(frames, ask(program, "rows", frames)):
        tables, counts = flatten(body.decode(), form)
        got = json.loads(answer, parse_int=Number, parse_float=Number)
        for row in got["failures"]:
            row[9] = ...
        want = {name: told(name, rows) for name, rows in tables.items()}
        want["counts"] = [Number(n) for n in counts]
        if any(ordered(got[name]) != ordered(want[name]) for name in want):
            print(f"differs: form {form}\n{body.decode()}")
            for name in want:
                if ordered(got.get(name)) != ordered(want[name]):
                    print(f"  {name}\n    oracle {want[name]}\n    rows   {got.get(name)}")
            raise SystemExit(1)
        failed += counts[2]
        rows += sum(map(len, tables.values()))
        extras += sum(row[25] != {} for row in tables["endpoints"])
    print(f"{count} records, {failed} of them failed, {rows} rows, {extras} with extra: all as the oracle says")


if __name__ == "__main__":
    main()

"""Values that hurt: answers as wire bytes, and the rows that must come of them by an independent flattening.

`Values` makes the answers, `expected` the rows, and `compare` holds what a store gives back against them. A store is a
function from a table's name to its rows, in the order of `columns`: texts as str, INTEGER as int, REAL as float, TIME as
UTC text with three decimals, JSON as its text or as `parse_json` gives it, nothing as None.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

from support.content import TABLES
from support.scripted_server import Answer
from support.sluice import APPLICATION

sys.path.insert(0, str(Path(__file__).parents[2] / "FlatteningTests" / "Oracle"))
import endpoints as generator  # noqa: E402
import flatten as oracle  # noqa: E402

#: JSON strings as they stand on the wire, quotes included.
TEXTS = [
    r'"\u0000"', r'"before\u0000after"', r'"\u0000\u0000"',
    r'"\ud800"', r'"\udfff tail"', r'"head \ud83d"', r'"\ude00\ud83d"', r'"\ud83d\ude00"', '"😀🏳️‍🌈"', '"\U0010ffff\U00010000"',
    r'"a\tb"', r'"\t"', r'"a\nb\r\nc"', r'"\n"', r'"\b\f\u000b\u001f\u007f"', '"\x7f\u0080\u009f\u2028\u2029\ufeff\uffff"',
    r'"\\"', r'"\\\\"', r'"back\\slash"', r'"\\."', r'"\\n"', r'"\\N"', r'"N"', r'"\\t\\0\\x41\\u0041"', r'"ends in \\"',
    r'"\\.\n\\."', r'"\"quoted\""', '"it\'s"', r'"\"\"\""', '"\'\'; DROP TABLE users; --"', r'"$$ $1 %s ? :name {} ${HOME}"',
    '""', '" "', '"  padded  "', '"NULL"', '"null"', '"nan"', '"0123"', '"1e3"', '"true"', '"a,b;c|d"', '"<&>"', r'"\/"',
    '"日本語のテキスト"', '"e\u0301 é"', '"ﬁ İ ı ß ẞ"', r'"\u00e9\u65e5"', '"{\\"a\\": [1]}"', '"' + "x" * 8191 + '"',
    '"' + "é😀" * 700 + '"', r'"$json"', r'"\ufffd"',
]  # fmt: skip

#: Numbers as they stand on the wire.
NUMBERS = generator.NUMBERS

DATES = generator.DATES

#: IDs of users. Lines of JSON name them, so that line breaks are possible.
USER_IDS = [
    "Anna", "anna", "ANNA", "a\tb", "a\nb", "a\r\nb", "\\", "\\N", "\\.", "\\n", '"quoted"', "it's", "'", '"', "a,b;c", "NULL",
    "null", "0123", "123", "1e3", " padded ", " ", "😀", "\U0010ffff", "日本語", "e\u0301", "é", "a/b", "a%2Fb", "a+b", "a b",
    "#:?&=", "{}", "$1", "%s", "../..", "~", "\x7f", "\u2028", "x" * 500, "--", ";", "*", "\ufeffbom",
]  # fmt: skip

#: A number's source text.
Number = oracle.Number

JSON_COLUMNS = {("endpoints", "extra")}
#: What of a failure doesn't depend on diagnostics or on where the input lies.
FAILURE_COLUMNS = ("run_id", "shard", "ordinal", "user_id", "raw", "code", "logical_date")
KEYS = {"users": 2, "endpoints": 2, "endpoint_attributes": 4, "endpoint_metrics": 3, "endpoint_user_attributes": 5}


class Values:
    """Users with answers, the same for the same dice."""

    def __init__(self, dice, generated=200):
        bodies = [of_a_text(number, text) for number, text in enumerate(TEXTS)]
        bodies += [of_numbers(), of_dates(), same_but_for_case(), full(), empty_things(), NOTHING, NO_ITEM, repeated_names()]
        bodies += of_random(dice, generated)
        names = USER_IDS + [f"user-{number:04d}" for number in range(len(bodies) - len(USER_IDS))]
        #: (ID, wire bytes) in input order.
        self.users = list(zip(names, (body.encode() for body in bodies), strict=True))
        self.bodies = dict(self.users)
        assert len(self.bodies) == len(self.users), "every user has an ID of his own"

    def answer(self, request):
        """For `ScriptedServer`."""
        return Answer(body=self.bodies[request.user])

    def reader(self, path):
        """Writes the IDs into a file; returns the options of a user reader for it."""
        Path(path).write_text("".join(json.dumps({"id": user}) + "\n" for user, _ in self.users))
        return {"type": "file", "path": str(path), "format": "ndjson", "column": "id"}


def of_a_text(number, text):
    """The text wherever a text may stand: values, names, known members and unknown ones."""
    identity = f'"text-{number}"'
    own = text if oracle.storable(json.loads(text)) and len(text) > 2 else f'"own-{number}"'
    return (
        f'{{"Item": [{{"Id":{identity},"Address":{text},"Attributes":{{"plain":[{text},"a",{text}],{text}:["b",{text}]}},'
        f'"ChannelType":{text},"OptOut":{text},"CohortId":{text},"EndpointStatus":{text},"RequestId":{text},'
        f'"CreationDate":{text},"Metrics":{{{text}:1.5}},"Location":{{"City":{text},"Latitude":52.5,{text}:{text}}},'
        f'"Demographic":{{"Make":{text},"Model":{text},"Timezone":{text}}},'
        f'"User":{{"UserAttributes":{{"tier":[{text}],{text}:[{text}]}},"UserId":{text}}}}},'
        f' {{ {text} :\t[{{{text}:{text}}},[{text}]], "unknown":{{"deep":[[{text}]]}}, "Id" : "id of {number}" }},'
        f'\n{{"Id":{unique(own, number)},"Attributes":{{{text}:[]}}}}]}}'
    )


def unique(text, number):
    """The text as the ID of an endpoint that nobody else has."""
    return f'{text[:-1]} #{number}"'


def of_numbers():
    return items(
        *(
            f'{{"Id":"number-{place}","Metrics":{{"metric":{number}}},"Location":{{"Latitude":{number},"Longitude":-0.0}},'
            f'"Attributes":{{"list":["a",{number}]}},"deep":{{"number":[{number}]}},"Address":{number}}}'
            for place, number in enumerate(NUMBERS)
        )
    )


def of_dates():
    return items(
        *(
            f'{{"Id":"date-{place}","CreationDate":{date},"EffectiveDate":{date},"Address":{date}}}'
            for place, date in enumerate(DATES + ["1525195861046", "null", "[]", '""'])
        )
    )


def same_but_for_case():
    names = '"color":["a"],"Color":["b"],"COLOR":["c"],"cOLOR":[]'
    return items(
        *(
            f'{{"Id":"{identity}","Attributes":{{{names}}},"User":{{"UserAttributes":{{{names}}}}},'
            '"Metrics":{"m":1,"M":2},"address":"lower","ADDRESS":"upper","Address":"as it should be"}'
            for identity in ("case-e", "Case-e", "CASE-E", "case-E", "ſase-e", "case-é", "CASE-É")
        )
    )


def full():
    """A user as big as they come: fifteen endpoints of 15 KB each, full of what has to be escaped."""
    attributes = ",".join(f'"attribute {number:03d} \\\\N":["{VALUE * 2}"]' for number in range(65))
    return items(*(f'{{"Id":"full-{number}","Attributes":{{{attributes}}}}}' for number in range(15)))


VALUE = r"😀\t\\é\"\\.\n" * 6


def empty_things():
    return items(
        '{"Id":"empty-1","User":{},"Location":{},"Metrics":{},"Attributes":{},"Demographic":{}}',
        '{"Id":"empty-2","User":null,"Location":null,"Metrics":null,"Attributes":null,"Demographic":null,"Address":null}',
        '{"Id":"empty-3","User":[],"Location":[],"Metrics":[],"Attributes":[],"Demographic":"","Address":{}}',
        '{"Id":"empty-4","User":{"UserAttributes":{}},"Attributes":{"a":null,"b":[],"c":{},"d":"text","e":[null],"":[""]}}',
        '{"Id":"empty-5","User":{"UserAttributes":null,"UserId":null},"Metrics":{"a":null,"b":"1","c":[1],"":0}}',
        '{"Id":"empty-6"}',
    )


NOTHING = '{"Item":[]}'
NO_ITEM = ' { "Item" : null } '


def repeated_names():
    """Of duplicate keys the last counts, whole."""
    return items(
        '{"Id":"twice-1","Address":"first","Address":"second","Attributes":{"a":["1","2"],"a":["3"]},"x":1,"x":{"y":2}}',
        '{"Id":"never","Attributes":{"gone":["1"]},"Id":"twice-2","Attributes":{},"Metrics":{"m":1e400,"m":2},"x":{},"x":1}',
    )


def of_random(dice, count):
    """Answers that leave nothing as it should be; no endpoint has another one's ID."""
    bodies, taken = [], set()
    for _ in range(count):
        chosen = []
        for _ in range(dice.randrange(4)):
            text = generator.endpoint(dice)
            identity = [value.value for name, value in oracle.parse(text).value if name.value == "Id"]
            if identity and repr(identity[0]) not in taken:
                chosen.append(text)
                taken.add(repr(identity[0]))
            elif not identity and dice.random() < 0.1:
                chosen.append(text)
                break
        bodies.append(items(*chosen))
    return bodies


def items(*endpoints):
    return '{"Item":[' + ",".join(endpoints) + "]}"


def columns(table, append=False):
    """A table's columns; `append` has run_id at the end of the tables that lack it."""
    names = TABLES[table]
    return names if not append or "run_id" in names else [*names, "run_id"]


def expected(values, run_id, logical_date, append=False, application=APPLICATION):
    """All rows of a run over these users, by table, in the columns' order; extra as `parse_json` gives it."""
    oracle.RUN, oracle.DATE, oracle.SHARD = run_id, logical_date, 0
    result = {table: [] for table in TABLES}
    for ordinal, (user, body) in enumerate(values.users):
        oracle.ORDINAL = ordinal
        item = [member for name, member in oracle.parse(body.decode()).value if name.value == "Item"][-1]
        endpoints = item.value if item.kind == "list" else []
        flattening = oracle.Flattening(append)
        try:
            for endpoint in endpoints:
                flattening.endpoint(endpoint, user, application)
        except oracle.Unstorable:
            result["failures"].append([run_id, 0, ordinal, user, None, "UnstorableKey", logical_date])
            continue
        result["users"].append([application, user, "found", len(endpoints), ordinal, run_id, logical_date])
        for table, rows in flattening.tables.items():
            result[table] += rows
    return result


def parse_json(text):
    """JSON with numbers as their source text."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def compare(read, want, append=False, numbers_as_text=True):
    """Fails at the first row that isn't as it should be; returns how many rows there were.

    Numbers within JSON must have their source text, or, without `numbers_as_text`, the same decimal value: jsonb keeps no
    more than that.
    """
    total = 0
    for table in TABLES:
        names = columns(table, append)
        rows = [list(row) for row in read(table)]
        for row in rows:
            assert len(row) == len(names), f"{table}: {len(row)} cells for {len(names)} columns"
            for place, name in enumerate(names):
                if (table, name) in JSON_COLUMNS and isinstance(row[place], str):
                    row[place] = parse_json(row[place])
        right = want[table]
        if table == "failures":
            rows = [[row[names.index(name)] for name in FAILURE_COLUMNS] for row in rows]
            names = FAILURE_COLUMNS
        key = slice(2, 3) if table == "failures" else slice(0, KEYS[table])

        def place(row, key=key):
            return [(type(cell).__name__, cell) for cell in row[key]]

        for row, other in zip(sorted(rows, key=place), sorted(right, key=place), strict=False):
            for name, cell, should in zip(names, row, other, strict=True):
                is_same = same(cell, should, numbers_as_text, (table, name) in JSON_COLUMNS)
                assert is_same, f"{table}.{name} of {row[key]!a}:\n  stored   {cell!a}\n  expected {should!a}"
        assert len(rows) == len(right), f"{table}: {len(rows)} rows, {len(right)} expected"
        total += len(rows)
    return total


def same(cell, should, numbers_as_text, is_json):
    if not is_json:
        return type(cell) is type(should) and cell == should
    if isinstance(should, Number):
        if not isinstance(cell, Number):
            return False
        return cell == should if numbers_as_text else Decimal(cell) == Decimal(should)
    if isinstance(cell, Number) or type(cell) is not type(should):
        return False
    if isinstance(should, dict):
        return cell.keys() == should.keys() and all(same(cell[n], should[n], numbers_as_text, True) for n in should)
    if isinstance(should, list):
        return len(cell) == len(should) and all(
            same(one, other, numbers_as_text, True) for one, other in zip(cell, should, strict=True)
        )
    return cell == should

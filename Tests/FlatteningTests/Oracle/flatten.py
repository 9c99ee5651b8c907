"""Endpoints → rows, written from the tables' description alone, with Python's own json, decimal and datetime.

The decoder keeps what json.loads drops: numbers as their text; beside a string its source text, in one spelling.
"""
import datetime
import decimal
import json
import re

TEXTS = {"Address": "address", "ChannelType": "channel_type", "CohortId": "cohort_id",
         "EndpointStatus": "endpoint_status", "OptOut": "opt_out", "RequestId": "request_id"}
DATES = {"CreationDate": "creation_date", "EffectiveDate": "effective_date"}
DEMOGRAPHIC = {"AppVersion": "demographic_app_version", "Locale": "demographic_locale", "Make": "demographic_make",
               "Model": "demographic_model", "ModelVersion": "demographic_model_version",
               "Platform": "demographic_platform", "PlatformVersion": "demographic_platform_version",
               "Timezone": "demographic_timezone"}
LOCATION = {"City": "location_city", "Country": "location_country", "PostalCode": "location_postal_code",
            "Region": "location_region"}
REALS = {"Latitude": "location_latitude", "Longitude": "location_longitude"}
COLUMNS = """application_id endpoint_id user_id address channel_type cohort_id creation_date effective_date
    endpoint_status opt_out request_id demographic_app_version demographic_locale demographic_make demographic_model
    demographic_model_version demographic_platform demographic_platform_version demographic_timezone location_city
    location_country location_latitude location_longitude location_postal_code location_region extra ordinal run_id
    logical_date""".split()
RUN, DATE, SHARD, ORDINAL = "run-1", "2026-11-23T00:00:00.000Z", 3, 7
CONTEXT = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[])


class Number(str):
    """A number's source text."""


class Unstorable(Exception):
    pass


# ---- a document with its source: json.loads would forget it

class Source:
    """A value with its source text, compact and spelled in one way."""

    def __init__(self, kind, value, source):
        self.kind, self.value, self.source = kind, value, source

    def compact(self):
        """Source text without white space and without what later duplicates replaced."""
        if self.kind == "list":
            return "[" + ",".join(v.compact() for v in self.value) + "]"
        if self.kind == "map":
            return "{" + ",".join(n.source + ":" + v.compact() for n, v in self.value) + "}"
        return self.source


def spelled(text):
    """A string's source in the one spelling that `extra` knows, in ASCII: json.dumps has two short escapes more, and one for DEL."""
    inner = json.dumps(text)[1:-1]
    short = {r"\b": r"\u0008", r"\f": r"\u000c", r"\u007f": "\x7f"}
    return '"' + re.sub(r"\\(?:u[0-9a-f]{4}|.)", lambda match: short.get(match[0], match[0]), inner) + '"'


TOKEN = re.compile(r'[ \t\n\r]*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+)', re.S)


def parse(text):
    """text is known to be valid JSON."""
    tokens = [m.group(1) for m in TOKEN.finditer(text)]
    place = 0

    def scalar(token):
        if token[0] == '"':
            text = json.loads(token)
            return Source("text", text, spelled(text))
        if token in ("null", "true", "false"):
            return Source("word", token, token)
        return Source("number", token, token)

    def value():
        nonlocal place
        token = tokens[place]
        place += 1
        if token == "[":
            items = []
            while tokens[place] != "]":
                if tokens[place] == ",":
                    place += 1
                items.append(value())
            place += 1
            return Source("list", items, None)
        if token == "{":
            members = []
            while tokens[place] != "}":
                if tokens[place] == ",":
                    place += 1
                name = scalar(tokens[place])
                place += 2
                member = value()
                members = [m for m in members if m[0].value != name.value] + [(name, member)]
            place += 1
            return Source("map", members, None)
        return scalar(token)

    return value()


# ---- what can be stored

def storable(text):
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)


def column_text(text):
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def fits_numeric(text):
    match = re.fullmatch(r"-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", text)
    whole, fraction, exponent = match[1], match[2] or "", int(match[3] or 0)
    if max(0, len(fraction) - exponent) > 16383 or exponent >= (2**31 - 1) // 2:
        return False
    digits = (whole + fraction).lstrip("0")
    return not digits or len(digits) - len(fraction) + exponent <= 131072


def wrapped(source):
    return {"$json": source}


def stored(value):
    """A value as it stands in `extra`, as json.loads with parse_int=parse_float=Number would give it back."""
    if value.kind == "text":
        return value.value if storable(value.value) else wrapped(value.source)
    if value.kind == "number":
        return Number(value.value) if fits_numeric(value.value) else wrapped(value.value)
    if value.kind == "list":
        return [stored(v) for v in value.value]
    if value.kind == "map":
        if any(not storable(n.value) or n.value == "$json" for n, _ in value.value):
            return wrapped(value.compact())
        return {n.value: stored(v) for n, v in value.value}
    return {"null": None, "true": True, "false": False}[value.value]


# ---- values of columns

def shortest(value):
    return decimal.Decimal(repr(value))


def real(text):
    """(double or None, whether it says the number's decimal value)"""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return None, False
    digits = re.split("[eE]", text)
    if len(digits) > 1 and abs(int(digits[1])) > 10**6:
        # Too far for decimal; equal only where both are zero.
        return value, value == 0 and not digits[0].strip("-0.")
    return value, CONTEXT.compare(shortest(value), CONTEXT.create_decimal(text)) == 0


DATE_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)", re.A)


def date(text):
    match = DATE_TEXT.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute = map(int, match.groups()[:5])
    try:
        moment = datetime.datetime(year, month, day, hour, minute, int(match[6] or 0),
                                   int((match[7] or "0")[:3].ljust(3, "0")) * 1000)
        if match[8]:
            hours, minutes = int(match[9]), int(match[10] or 0)
            if hours > 23 or minutes > 59:
                return None
            shift = datetime.timedelta(hours=hours, minutes=minutes)
            moment = moment - shift if match[8] == "+" else moment + shift
    except (ValueError, OverflowError):
        return None
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond // 1000)


# ---- rows

class Flattening:
    def __init__(self, append):
        self.append = append
        self.tables = {name: [] for name in (
            "users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures")}

    def part(self, table, row):
        self.tables[table].append(row + [RUN] if self.append else row)

    def endpoint(self, item, user, application):
        """user and application are those asked for, or None. What isn't said by rows is returned as (name, value) pairs,
        where a value is a Source or again a list of pairs."""
        row = dict.fromkeys(COLUMNS)
        members = {n.value: v for n, v in item.value}
        id = members.get("Id")
        if id is None or id.kind != "text" or not storable(id.value):
            raise Unstorable
        extra = []
        if application is None:
            own = members.get("ApplicationId")
            if own is None or own.kind != "text" or not storable(own.value):
                raise Unstorable
            application = own.value
            asked_application = None
        else:
            asked_application = application
        users = members.get("User")
        row_user = user
        if user is None and users is not None and users.kind == "map":
            for n, v in users.value:
                if n.value == "UserId" and v.kind == "text":
                    row_user = column_text(v.value)
        keys = (application, id.value)

        def text(value, column):
            if value.kind != "text":
                return False
            row[column] = column_text(value.value)
            return storable(value.value)

        def lists(value, table, middle):
            if value.kind != "map" or not value.value:
                return value
            left = []
            for n, v in value.value:
                if v.kind != "list" or not storable(n.value):
                    left.append((n, v))
                    continue
                for position, element in enumerate(v.value):
                    if element.kind == "text":
                        self.part(table, [*keys, *middle, n.value, position, column_text(element.value)])
                if not v.value or any(e.kind != "text" or not storable(e.value) for e in v.value):
                    left.append((n, v))
            return left

        def metrics(value):
            if value.kind != "map" or not value.value:
                return value
            left = []
            for n, v in value.value:
                exact = False
                if v.kind == "number" and storable(n.value):
                    number, exact = real(v.value)
                    if number is not None:
                        self.part("endpoint_metrics", [*keys, n.value, number])
                if not exact:
                    left.append((n, v))
            return left

        def columns(value, texts, reals):
            if value.kind != "map" or not value.value:
                return value
            left = []
            for n, v in value.value:
                if n.value in texts:
                    said = text(v, texts[n.value])
                elif n.value in reals and v.kind == "number":
                    row[reals[n.value]], said = real(v.value)
                else:
                    said = False
                if not said:
                    left.append((n, v))
            return left

        def user_member(value):
            if value.kind != "map" or not value.value:
                return value
            left = []
            for n, v in value.value:
                if n.value == "UserAttributes":
                    rest = lists(v, "endpoint_user_attributes", [row_user])
                    if rest:
                        left.append((n, rest))
                elif n.value == "UserId":
                    if user is not None:
                        said = v.kind == "text" and v.value == user
                    else:
                        said = v.kind == "text" and storable(v.value)
                    if not said:
                        left.append((n, v))
                else:
                    left.append((n, v))
            return left

        for n, v in item.value:
            name = n.value
            rest = []
            if name == "Id":
                pass
            elif name == "ApplicationId":
                if asked_application is not None and not (v.kind == "text" and v.value == asked_application):
                    rest = v
            elif name in TEXTS:
                rest = [] if text(v, TEXTS[name]) else v
            elif name in DATES:
                row[DATES[name]] = date(v.value) if v.kind == "text" else None
                rest = [] if v.kind == "text" and row[DATES[name]] == v.value else v
            elif name == "Demographic":
                rest = columns(v, DEMOGRAPHIC, {})
            elif name == "Location":
                rest = columns(v, LOCATION, REALS)
            elif name == "Attributes":
                rest = lists(v, "endpoint_attributes", [])
            elif name == "Metrics":
                rest = metrics(v)
            elif name == "User":
                rest = user_member(v)
            else:
                rest = v
            if isinstance(rest, Source) or rest:
                extra.append((n, rest))
        row.update(application_id=application, endpoint_id=id.value, user_id=row_user, ordinal=ORDINAL, run_id=RUN,
                   logical_date=DATE, extra=residue(extra))
        self.tables["endpoints"].append([row[column] for column in COLUMNS])


def residue(pairs):
    if any(not storable(n.value) or n.value == "$json" for n, _ in pairs):
        return wrapped(residue_source(pairs))
    return {n.value: stored(v) if isinstance(v, Source) else residue(v) for n, v in pairs}


def residue_source(pairs):
    return "{" + ",".join(
        n.source + ":" + (v.compact() if isinstance(v, Source) else residue_source(v)) for n, v in pairs) + "}"


def flatten(text, form):
    """The rows of an answer for user `asked` of application `app` (form 0; 2 for `append`), or of a line (form 1)."""
    document = parse(text)
    user, application = (None, None) if form == 1 else ("asked", "app")
    if form == 1:
        items = [document]
    else:
        item = [v for n, v in document.value if n.value == "Item"][0]
        items = item.value if item.kind == "list" else []
    result = Flattening(form == 2)
    try:
        for item in items:
            result.endpoint(item, user, application)
    except Unstorable:
        failed = Flattening(form == 2)
        failed.tables["failures"].append(
            [RUN, SHARD, ORDINAL, None, None, user, None, None, "UnstorableKey", ..., None, 0, DATE])
        return failed.tables, [0, 0, 1, 0]
    if user is not None:
        result.tables["users"].append([application, user, "found", len(items), ORDINAL, RUN, DATE])
    return result.tables, [1, 0, 0, len(items)]

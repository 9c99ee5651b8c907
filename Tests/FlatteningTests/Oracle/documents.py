"""Compares the decoder with Python's json over generated documents, valid and broken: the same are accepted, with the
same values.

    python3 documents.py PROGRAM [COUNT] [SEED]

Python is asked as strictly as it can be: text that is UTF-8, NaN and Infinity raising, no limit on digits. What stays
out of the comparison: nesting deeper than 128, where this decoder stops by design, and a byte order mark, which Python's
decoder of text refuses as well but with another kind of error.
"""
import json
import random
import struct
import sys

from frames import ask

sys.set_int_max_str_digits(0)
DEPTH = 128


def refuse(name):
    raise ValueError(name)


def describe(value):
    """The canonical text that json-check prints."""
    if value is None:
        return "n"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, int):
        return "i%d" % value
    if isinstance(value, float):
        return "d%x" % struct.unpack("<Q", struct.pack("<d", value))
    if isinstance(value, str):
        return "s" + hexadecimal(value)
    if isinstance(value, list):
        return "[" + ",".join(map(describe, value)) + "]"
    members = sorted((hexadecimal(name), describe(member)) for name, member in value.items())
    return "{" + ",".join(f"{name}:{member}" for name, member in members) + "}"


def hexadecimal(text):
    return text.encode("utf-8", "surrogatepass").hex()


def expected(document):
    try:
        text = document.decode("utf-8", "strict")
        if text.startswith("\ufeff"):
            return None
        return describe(json.loads(text, parse_constant=refuse))
    except ValueError:
        return None


STRINGS = ["", "a", "Id", "ünï", "日本語のテキスト", "😀😀", "tab\\t", "\\u0000", "\\ud800", "\\udc00x", "\\ud83d\\ude00",
           "\\ud83d\\ud83d\\ude00", "\\u0061", "\\\"\\\\\\/\\b\\f\\n\\r", "\x7f", "x" * 40, "é" * 9, "1234567é", "12345678",
           "\\uD83Dx", "\\ud800\\u0061", "\u2028", "\\uffff", "\\u00e9"]
NUMBERS = ["0", "-0", "1", "-1", "10", "9007199254740993", "12345678901234567890", "0.1", "-0.0", "1e5", "1E+5", "1e-5",
           "1e23", "0.1000000000000000055511151231257827", "1.7976931348623157e308", "1e309", "5e-324", "2e-324", "1e-400",
           "123456789012345678901234567890.5e-10", "0e0", "0.0e-999", "4.35", "2.2250738585072011e-308", "8.5e22", "1e22",
           "9.5e-23", "123456789012345e22", "179769313486231580793e289"]
BROKEN = ["nul", "tru", "False", "NaN", "Infinity", "-Infinity", "01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "'a'",
          '"\\x"', '"\\u12"', '"\\u12g4"', '"\x01"', '"\n"', '"', '"\\', "[1,]", "[,1]", '{"a"}', '{"a":}', '{"a":1,}',
          "{,}", "{1:2}", "[1 2]", "[1]]", "}", "", " ", "1 2", "--1", "1.e5", "00", "-01", "nulll", "{\"a\":1 \"b\":2}",
          "[", "{", "{\"a\"", "{\"a\":", "[1", "1\x00", "\u00a01", "\ufeff1", "// x\n1", "\x0b1"]


def space(r):
    return "".join(r.choices(" \t\n\r", k=r.randrange(3))) if r.random() < 0.2 else ""


def number(r):
    if r.random() < 0.5:
        return r.choice(NUMBERS)
    kind = r.random()
    if kind < 0.3:
        return repr(struct.unpack("<d", struct.pack("<Q", r.getrandbits(64) & 0x7FEFFFFFFFFFFFFF))[0])
    if kind < 0.6:
        return str(r.randrange(-10**r.randrange(1, 25), 10**r.randrange(1, 25)))
    digits = "".join(r.choices("0123456789", k=r.randrange(1, 30)))
    return "%d.%s%s" % (r.randrange(1000), digits, r.choice(["", "e%d" % r.randrange(-330, 330)]))


def string(r):
    return '"' + "".join(r.choices(STRINGS, k=r.randrange(4))) + '"'


def value(r, depth):
    kind = r.random()
    if depth <= 0 or kind < 0.45:
        return r.choice([string, string, number, lambda r: r.choice(["null", "true", "false"])])(r)
    if kind < 0.7:
        inner = [space(r) + value(r, depth - 1) + space(r) for _ in range(r.randrange(5))]
        return "[" + (",".join(inner) or space(r)) + "]"
    count = r.randrange(6) if r.random() < 0.95 else r.randrange(10, 60)
    inner = [space(r) + string(r) + space(r) + ":" + space(r) + value(r, depth - 1) + space(r) for _ in range(count)]
    return "{" + (",".join(inner) or space(r)) + "}"


def broken(r, document):
    document = bytearray(document)
    for _ in range(r.randrange(1, 3)):
        place = r.randrange(len(document) + 1)
        kind = r.random()
        if kind < 0.25 and document:
            del document[place:place + r.randrange(1, 4)]
        elif kind < 0.5:
            document[place:place] = bytes([r.choice(b'{}[],:"\\0-.eE \x00\x1f\x7f\x80\xbf\xc0\xc1\xe0\xed\xf4\xf5\xff')])
        elif kind < 0.65:
            document[place:place + 1] = bytes([r.randrange(256)])
        elif kind < 0.8:
            document[place:place] = r.choice(
                [b"\xed\xa0\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe2\x82",
                 b"\xf0\x9f\x98", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xee\x80\x80", b"\xed\x9f\xbf"])
        elif kind < 0.9:
            document = document[:place]
        else:
            document += r.choice(BROKEN).encode()
    return bytes(document)


def generate(r):
    kind = r.random()
    if kind < 0.05:
        return r.choice(BROKEN).encode()
    if kind < 0.08:
        depth = r.randrange(1, DEPTH + 1)
        opening = [r.choice(["[", '{"a":']) for _ in range(depth)]
        text = "".join(opening) + "1" + "".join("]" if o == "[" else "}" for o in reversed(opening))
        return text.encode()
    if kind < 0.1:
        return r.choice(BROKEN).join([value(r, 2), value(r, 1)]).encode()
    document = (space(r) + value(r, r.randrange(5)) + space(r)).encode()
    return broken(r, document) if r.random() < 0.5 else document


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**32)
    print(f"seed {seed}")
    r = random.Random(seed)
    documents = [generate(r) for _ in range(count)]
    accepted = 0
    for document, answer in zip(documents, ask(program, "values", [(0, document) for document in documents])):
        want = expected(document)
        accepted += want is not None
        got = None if answer.startswith("error ") else answer
        if want != got:
            print(f"differs: {document!r}\n  python {want}\n  tape   {answer}")
            raise SystemExit(1)
    print(f"{count} documents, {accepted} of them valid: same acceptance, same values")


main()

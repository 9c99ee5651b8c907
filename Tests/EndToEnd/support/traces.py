"""Looks for personal data where none may be: in files, logs and tables, plain or in any dress that a program gives it."""

import base64
import json
import re
import zlib
from pathlib import Path
from urllib.parse import quote

#: Characters at the ends of base64 that depend on what stands beside a text: by how many bytes stand in front of it.
LEADING = (0, 2, 3)


def dresses(token):
    """{name of a form: its bytes}, all the forms in which a text may be found."""
    data = token.encode()
    forms = {"plain": data, "hex": data.hex().encode(), "HEX": data.hex().upper().encode(), "utf-16": token.encode("utf-16-le")}
    forms["reversed"] = data[::-1]
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + data)
        # The last character that is the text's alone.
        whole = (offset + len(data)) * 8 // 6
        core = text[LEADING[offset] : whole]
        forms[f"base64 at {offset}"] = core
        forms[f"base64url at {offset}"] = core.replace(b"+", b"-").replace(b"/", b"_")
    for name, text in {
        "percent": quote(token, safe=""),
        "json": json.dumps(token)[1:-1],
        "json unicode": "".join(f"\\u{unit:04x}" for unit in utf16(token)),
    }.items():
        forms[name] = text.encode()
    return forms


def utf16(text):
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[place : place + 2]) for place in range(0, len(data), 2)]


class Search:
    """Looks for any of many tokens, each in all its dresses, at once."""

    def __init__(self, tokens):
        self.forms = {}
        for token in tokens:
            assert len(token) >= 8, f"{token!r} is found by chance"
            for name, form in dresses(token).items():
                self.forms.setdefault(form, (token, name))
        longest_first = sorted(self.forms, key=len, reverse=True)
        self.pattern = re.compile(b"|".join(map(re.escape, longest_first)))

    def found_in(self, data):
        """(token, form) of all that stand there."""
        return {self.forms[found] for found in self.pattern.findall(data)}

    def check(self, where, data):
        if isinstance(data, str):
            data = data.encode(errors="surrogatepass")
        found = self.found_in(data)
        assert not found, f"{where} holds {len(found)} that may not be there, such as {sorted(found)[:5]}"

    def check_folder(self, folder, leaving=()):
        """Every file's name and bytes, compressed ones unpacked too; returns how many files there were."""
        count = 0
        for path in sorted(Path(folder).rglob("*")):
            if any(part in leaving for part in path.relative_to(folder).parts):
                continue
            self.check("a file's name", str(path.relative_to(folder)))
            if not path.is_file() or path.is_symlink():
                continue
            data = path.read_bytes()
            self.check(path, data)
            if data[:2] == b"\x1f\x8b":
                self.check(f"{path}, unpacked", unpacked(data))
            count += 1
        return count


def unpacked(data):
    """What a gzip file holds, also one that isn't finished."""
    result, rest = b"", data
    while rest[:2] == b"\x1f\x8b":
        decompressor = zlib.decompressobj(31)
        try:
            result += decompressor.decompress(rest)
        except zlib.error:
            break
        rest = decompressor.unused_data
    return result

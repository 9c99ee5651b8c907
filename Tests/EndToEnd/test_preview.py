"""`sluice preview`: the first users' rows as aligned tables or as JSON, with nothing written anywhere."""

import json
import re
import unicodedata

import pytest
from support.content import TABLES, Store
from support.scripted_server import Answer
from support.shapes import DOCUMENT_COLUMNS, KEY, hashed
from support.sluice import APPLICATION

CITIES = ["Köln", "東京都港区", "ＦＵＬＬ", "Zürich", "de\u0301ja\u0300", "😀 smile", "한국", "plain", "ﾊﾝｶｸ", "x" * 20]


def answer(request):
    number = int(request.user[-2:])
    item = {
        "Id": f"e{number}", "Address": f"a{number}@example.com", "ChannelType": "EMAIL", "Location": {"City": CITIES[number % 10]},
        "Attributes": {"名前": ["太郎", "b"], "plain": ["|"]}, "Metrics": {"m": number + 0.5},
    }  # fmt: skip
    return Answer(body=json.dumps({"Item": [item]}).encode())


def width(text):
    """Columns of a terminal, by Unicode's East Asian widths."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )


def pipeline_of(sluice, scripted, tmp_path, **settings):
    server = scripted(answer)
    (tmp_path / "users.txt").write_text("".join(f"user-{number:02d}\n" for number in range(40)))
    return sluice.pipeline("preview", server.url, tmp_path / "users.txt", **settings), server


def listing(folder):
    """Every file with its bytes and times."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_tables_are_aligned(sluice, scripted, tmp_path, layout):
    pipeline, server = pipeline_of(sluice, scripted, tmp_path, flatten={"layout": layout})
    result = sluice("preview", pipeline.file, "--users", "10").expect(0)
    assert len(server.log) == 10
    lines = result.out.split("\n")
    tables = 0
    for place, line in enumerate(lines):
        if not re.fullmatch(r"─+(  ─+)*", line):
            continue
        tables += 1
        spans = [(found.start(), found.end()) for found in re.finditer("─+", line)]
        starts = {start for start, _ in spans}
        rows = [lines[place - 1], *lines[place + 1 : lines.index("", place)]]
        for row in rows:
            if row.startswith("("):
                continue
            at, before = 0, "  "
            for letter in row:
                # Between two columns stand spaces alone, and no wide letter reaches across.
                inside = any(start <= at < end for start, end in spans)
                assert inside or letter == " " or width(letter) == 0 or at >= spans[-1][1], f"column {at} of {row!r}\n{line}"
                if width(letter) == 2:
                    assert any(start <= at and at + 2 <= end for start, end in spans), row
                at += width(letter)
                before = (before + letter)[-2:]
            assert width(row) <= width(line), f"{row!r} is wider than its table"
        assert 0 in starts
    assert tables == (4 if layout == "normalized" else 2)
    # What the cells say, at the place of their column.
    heads = next(line for line in lines if "location_city" in line)
    start = heads.index("location_city")
    body = lines[lines.index(heads) + 2 :][:10]
    assert [cell_at(row, start) for row in body] == CITIES


def cell_at(row, start):
    """What begins at a column of the terminal and ends in front of two spaces."""
    at, place = 0, 0
    while at < start:
        at += width(row[place])
        place += 1
    assert at == start
    return row[place:].split("  ")[0].rstrip()


@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_json_has_what_a_run_writes(sluice, scripted, tmp_path, layout):
    mask = [{"type": "mask", "paths": ["Address"], "with": "hmac-sha256", "key": KEY}]
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite"}]
    columns = [{"name": "name", "from": ["Attributes", "名前"], "as": "joined"}]
    pipeline, _ = pipeline_of(
        sluice, scripted, tmp_path, sinks=sinks, transforms=mask, flatten={"layout": layout, "columns": columns}
    )
    before = listing(tmp_path)
    result = sluice("preview", pipeline.file, "--users", "5", "--output", "json").expect(0)
    mine = {name: value for name, value in listing(tmp_path).items() if "/process-" not in name}
    assert {name: mine.get(name) for name in before if name in mine} == {
        name: value for name, value in before.items() if name in mine
    }
    assert not (pipeline.folder / "out").exists() and not (pipeline.folder / ".sluice").exists()
    assert result.out.count("\n") == 1
    text = json.dumps(json.loads(result.out), ensure_ascii=False)
    assert "太郎,b" in text and hashed("a3@example.com") in text and "a3@example.com" not in text
    assert text.count(APPLICATION) >= 10 and "e4" in text and '"e5"' not in text
    names = TABLES["endpoints"] if layout == "normalized" else DOCUMENT_COLUMNS
    assert all(f'"{name}"' in text for name in [*names, "name"])


def test_nothing_is_written_or_locked(sluice, scripted, tmp_path):
    """Beside a complete store and with sinks that can't be reached."""
    pipeline, _ = pipeline_of(sluice, scripted, tmp_path)
    sluice.run(pipeline).expect(0)
    before = listing(pipeline.folder)
    for arguments in ([], ["--output", "json"], ["--users", "1"], ["--users", "1000"]):
        sluice("preview", pipeline.file, *arguments).expect(0)
    assert listing(pipeline.folder) == before
    assert Store(pipeline.database).count("users") == 40
    pipeline.document["sinks"] = [
        {"type": "sqlite", "path": "/proc/no/such/folder.sqlite"},
        {"type": "postgres", "url": "postgresql://nobody:nothing@127.0.0.1:1/none", "schema": "pinpoint"},
        {"type": "ndjson", "path": "/proc/no/such/lines"},
    ]
    pipeline.write()
    before = listing(pipeline.folder)
    result = sluice("preview", pipeline.file, "--users", "2").expect(0)
    assert "nothing" not in re.sub(r"\(nothing in.*", "", result.out + result.err)
    assert listing(pipeline.folder) == before


@pytest.mark.parametrize("users", ["0", "-1", "many", "1e3", "99999999999999999999"])
def test_a_number_that_can_t_be(sluice, scripted, tmp_path, users):
    pipeline, server = pipeline_of(sluice, scripted, tmp_path)
    sluice("preview", pipeline.file, f"--users={users}").expect(64)
    assert not server.log


def test_control_characters_don_t_reach_the_terminal(sluice, scripted, tmp_path):
    """A value can't move the cursor, change colours or break a table's lines."""
    text = "a\u001b[31mred\u001b]0;title\u0007\r\nb\tc\u0085\u009b2J\u202e"
    body = json.dumps({"Item": [{"Id": "e1", "Address": text, "Attributes": {text: [text]}}]}).encode()
    pipeline, server = pipeline_of(sluice, scripted, tmp_path)
    server.answer = lambda request: Answer(body=body)
    result = sluice("preview", pipeline.file, "--users", "1").expect(0)
    found = {one for one in result.out if unicodedata.category(one) in ("Cc", "Zl", "Zp") and one != "\n"}
    assert not found, found

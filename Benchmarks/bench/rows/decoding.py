"""Wire JSON → rows, beside decoders that make objects of it: one thread each, in processor time."""

from ..contest import require_equal
from ..data import files
from ..data.population import Population
from ..measuring import measure
from ..results import Result, is_disturbed, size
from ..row import Row


class Decoding(Row):
    name = "decode"
    peer = "json.loads, orjson (which make objects, not rows)"

    def why_not(self, bench):
        return "" if bench.json_check else "json-check isn't built; JSON_CHECK names a ready one"

    def measure(self, bench):
        megabytes, rounds = bench.sized(0.5, 20, 60), bench.sized(1, 3, 7)
        folder = bench.folder("decode")
        lines = files.lines(Population(per_user=None, gaps=True), megabytes, folder / "lines")
        theirs = measure(bench.python("json_decoders.py", lines, rounds), folder, timeout=600)
        speed = speeds(folder)
        ours = measure([bench.json_check, "measure", lines, rounds], folder, timeout=600)
        mine = speeds(folder)
        require_equal({"all": (int(mine["rows"]), "-")}, {"all": (int(speed["rows"]), "-")})
        speed.update(mine)
        slow, fast = speed["sluice-rows"] / speed["json.loads"], speed["sluice-rows"] / speed["orjson"]
        return Result(
            name=self.name,
            work=f"wire JSON into rows, {megabytes:g} MB of answers of 1 to 15 endpoints, one thread",
            peer=self.peer,
            target="≥ 6 × json.loads, ≥ 2.5 × orjson",
            theirs=f"{speed['json.loads']:.0f} and {speed['orjson']:.0f} MB/s",
            ours=f"{speed['sluice-rows']:.0f} MB/s",
            ratio=f"{slow:.2f} × and {fast:.2f} ×",
            reached=slow >= 6 and fast >= 2.5,
            cpu="{:.1f} and {:.1f} → {:.1f} ms a MB".format(
                *(1000 / speed[name] for name in ("json.loads", "orjson", "sluice-rows"))
            ),
            peak=f"{size(theirs.peak)} → {size(ours.peak)}",
            facts=[("decoded alone, no rows, MB/s", "", f"{speed['sluice-tape']:.0f}")],
            disturbed=is_disturbed([ours, theirs]),
            figures={"megabytes_per_second": speed},
        )


def speeds(folder):
    """`name figure` a line; json-check tells of rows in a remark: `# … lines, …, N rows`."""
    found = {}
    for line in (folder / "stdout").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            found["rows"] = float(line.split()[-2])
        else:
            name, value = line.split()
            found[name] = float(value)
    return found

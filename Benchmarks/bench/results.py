"""What was measured: one `Result` for each row of the table."""

from dataclasses import asdict, dataclass, field
from statistics import median

from .contest import best


@dataclass
class Result:
    name: str
    #: What is done, and how much of it.
    work: str
    peer: str
    #: What DESIGN asks for, in words.
    target: str = ""
    #: Texts for the table: both sides, and how they compare.
    theirs: str = "–"
    ours: str = "–"
    ratio: str = "–"
    #: Whether the target is reached; None where there is none.
    reached: bool | None = None
    cpu: str = "–"
    peak: str = "–"
    #: Lines of (what, theirs, ours) beyond the table.
    facts: list = field(default_factory=list)
    #: Why the row wasn't measured.
    skipped: str = ""
    #: What went wrong; the whole bench ends with 1 then.
    failed: str = ""
    #: Others used more than a tenth of the machine meanwhile.
    disturbed: bool = False
    #: The figures themselves.
    figures: dict = field(default_factory=dict)

    def as_json(self):
        return asdict(self)


def of_contest(row, work, samples, units, unit, least=None, facts=()):
    """A row that compares times: the fastest of each side's runs. `least` is the ratio to reach."""
    ours, theirs = samples
    fast, slow = best(ours), best(theirs)
    ratio = slow.wall / fast.wall
    return Result(
        name=row.name,
        work=work,
        peer=row.peer,
        target=f"≥ {least:g} ×" if least else "",
        theirs=seconds(slow.wall),
        ours=seconds(fast.wall),
        ratio=f"{ratio:.2f} ×",
        reached=None if least is None else ratio >= least,
        cpu=f"{cpu_each(theirs, units)} → {cpu_each(ours, units)} µs {unit}",
        peak=f"{size(max(s.peak for s in theirs))} → {size(max(s.peak for s in ours))}",
        facts=list(facts),
        disturbed=is_disturbed(ours + theirs),
        figures={
            "unit": unit,
            "units": units,
            "ratio": ratio,
            "ours": side(ours),
            "theirs": side(theirs),
        },
    )


def side(samples):
    return {
        "best_seconds": best(samples).wall,
        "median_seconds": median(sample.wall for sample in samples),
        "runs": [asdict(sample) for sample in samples],
    }


def cpu_each(samples, units):
    each = min(sample.cpu for sample in samples) / units * 1e6
    return f"{each:.0f}" if each >= 10 else f"{each:.1f}"


def is_disturbed(samples):
    return any(sample.others > 0.1 for sample in samples)


def seconds(value):
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def size(value):
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000


def count(value):
    """12,345 or 1.2 million."""
    return f"{value / 1e6:.3g} million" if value >= 1e6 else f"{value:,}"

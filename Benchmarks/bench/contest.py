"""Ours and theirs on the same work, in turn. A time counts only once both are seen to have written the same rows."""

import shutil
from dataclasses import dataclass
from typing import Callable


class Unequal(Exception):
    """The two sides didn't write the same rows, so their times say nothing."""


@dataclass
class Side:
    """One way to do the work: `run(folder)` does it in an empty folder and gives a `Sample`."""

    run: Callable
    #: What it wrote, given the folder and the sample: {table: (rows, hash)}.
    content: Callable


def compete(bench, ours, theirs, runs=None):
    """The samples of both sides, of so many rounds. Who begins alternates, so that neither always finds warm caches."""
    sides, samples = {"ours": ours, "theirs": theirs}, {"ours": [], "theirs": []}
    for number in range(runs or bench.runs):
        found, content = {}, {}
        for name in sorted(sides, reverse=number % 2 == 1):
            folder = bench.folder(f"{name}-{number}")
            found[name] = sides[name].run(folder)
            content[name] = sides[name].content(folder, found[name])
            shutil.rmtree(folder)
        require_equal(content["ours"], content["theirs"])
        for name, sample in found.items():
            samples[name].append(sample)
    return samples["ours"], samples["theirs"]


def require_equal(ours, theirs):
    """Throws unless both sides hold the same rows, and any at all."""
    differences = [
        f"{table}: {describe(ours.get(table))} in ours, {describe(theirs.get(table))} in theirs"
        for table in sorted({*ours, *theirs})
        if ours.get(table) != theirs.get(table)
    ]
    if differences:
        raise Unequal("the rows differ, so no time counts: " + "; ".join(differences))
    if not any(rows for rows, _ in ours.values()):
        raise Unequal("neither side wrote a row, so no time counts")


def describe(content):
    if content is None:
        return "no such table"
    rows, digest = content
    return f"{rows} rows ({digest[:12]})"


def best(samples):
    return min(samples, key=lambda sample: sample.wall)

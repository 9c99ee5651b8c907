"""What is linked into the program, with its licences: the packages that the build resolved, and Swift's own runtime."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

#: Files that a licence asks to be passed on.
TEXTS = re.compile(r"(LICEN[CS]E|NOTICE|COPYING)(\.(txt|md))?", re.IGNORECASE)


@dataclass(frozen=True)
class Linked:
    name: str
    version: str
    #: Where its source is from, as a URL.
    source: str
    #: The commit, or None.
    revision: str | None
    #: An SPDX identifier, or NOASSERTION.
    licence: str
    #: The texts to pass on, each with its name.
    texts: tuple


def linked(resolved, checkouts, toolchain, swift_version):
    """All packages of `Package.resolved`, by name, then the runtime of the toolchain at `toolchain`, and its ICU."""
    found = []
    for pin in json.loads(Path(resolved).read_text())["pins"]:
        name = pin["location"].rstrip("/").removesuffix(".git").rsplit("/", 1)[-1]
        state = pin["state"]
        texts = read(Path(checkouts) / name)
        found.append(
            Linked(name, state["version"], pin["location"], state["revision"], identifier(texts, name), texts)
        )
    runtime = read(Path(toolchain) / "usr/share/swift")
    if not runtime:
        raise SystemExit(f"{toolchain} holds no licence of the Swift runtime")
    found.append(
        Linked(
            "swift-runtime", swift_version, "https://github.com/swiftlang/swift", None,
            "Apache-2.0 WITH Swift-exception", runtime,
        )  # fmt: skip
    )
    # Foundation holds ICU, whose licence the toolchain doesn't bring along; Debian's package of ICU does.
    icu = sorted(Path("/usr/share/doc").glob("libicu[0-9]*/copyright"))
    if not icu:
        raise SystemExit("install Debian's package of ICU (libicu72): its licence is to be passed on")
    texts = (("copyright", icu[-1].read_text().strip()),)
    found.append(Linked("icu", swift_version, "https://github.com/swiftlang/swift-foundation-icu", None, "ICU", texts))
    return found


def read(folder):
    """The licence texts that lie at the top of a folder."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and TEXTS.fullmatch(path.name))
    return tuple((path.name, path.read_text(errors="replace").strip()) for path in paths)


def identifier(texts, name):
    licences = [text for file, text in texts if not file.upper().startswith("NOTICE")]
    if not licences:
        raise SystemExit(f"{name} has no licence among its files: look at it before it is passed on")
    text = " ".join(licences[0].split())
    if "Apache License Version 2.0" in text:
        return "Apache-2.0 WITH Swift-exception" if "Runtime Library Exception" in text else "Apache-2.0"
    if "Permission is hereby granted, free of charge" in text:
        return "MIT"
    return "NOASSERTION"

"""Prints what the program is made of and what it needs, as SPDX 2.3 in JSON (https://spdx.github.io/spdx-spec/v2.3/).

Usage: sbom.py NAME VERSION EPOCH BINARY RESOLVED CHECKOUTS TOOLCHAIN SWIFT_VERSION

EPOCH, in seconds, is the document's date, so that the same build gives the same document. Libraries that the program
finds on the system are those of Debian here; the packages that hold them are named with the versions of this system.
"""

import hashlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from licences import linked


def main(name, version, epoch, binary, *build):
    parts = [swift_package(part) for part in linked(*build)] + [debian_package(owner) for owner in owners(binary)]
    digest = hashlib.sha256(Path(binary).read_bytes()).hexdigest()
    program = {
        "SPDXID": "SPDXRef-program", "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION", "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "primaryPackagePurpose": "APPLICATION",
    }  # fmt: skip
    kinds = {"swift": "CONTAINS", "deb": "DYNAMIC_LINK"}
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-program")] + [
        ("SPDXRef-program", kinds[part["SPDXID"].split("-")[1]], part["SPDXID"]) for part in parts
    ]
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{name}-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{version}-{digest[:32]}",
        "creationInfo": {
            "created": datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: {name}-package"],
        },
        "packages": [program, *parts],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }  # fmt: skip
    json.dump(document, sys.stdout, indent=1)
    print()


def package(kind, name, version, location, licence, reference):
    return {
        "SPDXID": f"SPDXRef-{kind}-{re.sub(r'[^A-Za-z0-9.-]', '-', name)}", "name": name, "versionInfo": version,
        "downloadLocation": location, "filesAnalyzed": False, "licenseConcluded": licence, "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": reference}
        ],
    }  # fmt: skip


def swift_package(part):
    path = part.source.removeprefix("https://").removesuffix(".git")
    location = f"git+{part.source}" + (f"@{part.revision}" if part.revision else "")
    return package("swift", part.name, part.version, location, part.licence, f"pkg:swift/{path}@{part.version}")


def debian_package(owner):
    name, version, architecture = owner
    return package(
        "deb", name, version, "NOASSERTION", "NOASSERTION",
        f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}",
    )  # fmt: skip


def owners(binary):
    """The Debian packages of the libraries that the program itself asks for, as (name, version, architecture)."""
    needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", binary))
    found = set()
    for library in needed:
        path = re.search(rf"{re.escape(library)} => (\S+)", run("ldd", binary))
        if path is None:
            continue  # the loader itself, which comes with libc
        owner = run("dpkg-query", "-S", f"*/{library}").split(":")[0]
        found.add(tuple(run("dpkg-query", "-W", "-f=${Package} ${Version} ${Architecture}\n", owner).split()[:3]))
    return sorted(found)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(*sys.argv[1:])

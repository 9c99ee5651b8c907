"""Prints the licences of all that is linked into the program.

Usage: notices.py RESOLVED CHECKOUTS TOOLCHAIN SWIFT_VERSION
"""

import sys

from licences import linked


def main(arguments):
    print("Sluice is made from the following packages, which are linked into it.")
    shown = {}
    for part in linked(*arguments):
        print(f"\n{'=' * 80}\n{part.name} {part.version} ({part.licence})\n{part.source}")
        for name, text in part.texts:
            print(f"\n{'-' * 80}\n{name}\n")
            # Most have the same text: once is enough for a reader.
            print(f"As {shown[text]} has it." if text in shown else text)
            shown.setdefault(text, f"{part.name}'s {name}")


if __name__ == "__main__":
    main(sys.argv[1:])

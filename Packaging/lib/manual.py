"""Writes the manual pages sluice(1) and sluice-COMMAND(1), made from what the program says of itself.

Usage: manual.py PROGRAM EPOCH FOLDER
"""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path


def main(program, epoch, folder):
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, capture_output=True).stdout
    command = json.loads(dump)["command"]
    date = datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%d")
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    children = [child for child in command.get("subcommands", []) if shown(child) and child["commandName"] != "help"]
    pages = {"sluice": page("sluice", command, children, date, version)}
    for child in children:
        name = f"sluice-{child['commandName']}"
        pages[name] = page(name, child, [], date, version)
    for name, text in pages.items():
        Path(folder, f"{name}.1").write_text(text)


def page(name, command, children, date, version):
    invoked = name.replace("-", " ", 1)
    arguments = [argument for argument in command.get("arguments", []) if shown(argument)]
    lines = [f'.TH {name.upper()} 1 "{date}" "Sluice {version}" "User Commands"', ".SH NAME"]
    lines.append(f"{escaped(name)} \\- {escaped(command['abstract'].rstrip('.'))}")
    lines += [".SH SYNOPSIS", f".B {escaped(invoked)}"]
    if children:
        lines.append("\\fICOMMAND\\fR \\&...")
    else:
        if any(argument["kind"] != "positional" for argument in arguments):
            lines.append("[\\fIOPTIONS\\fR]")
        lines += [synopsis(argument) for argument in arguments if argument["kind"] == "positional"]
    examples, description, exits = told(command.get("discussion", ""))
    if description:
        lines += [".SH DESCRIPTION", *paragraphs(description)]
    if children:
        lines.append(".SH COMMANDS")
        for child in children:
            lines += [".TP", f".BR sluice\\-{escaped(child['commandName'])} (1)", escaped(child["abstract"])]
    sections = {}
    for argument in arguments:
        title = argument.get("sectionTitle") or ("Arguments" if argument["kind"] == "positional" else "Options")
        sections.setdefault(title, []).append(argument)
    # The command's own first; what several commands share has a title of its own.
    for title in sorted(sections, key=lambda title: {"Arguments": 0, "Options": 1}.get(title, 2)):
        lines.append(f".SH {escaped(title.upper())}")
        for argument in sections[title]:
            lines += [".TP", heading(argument), *described(argument)]
    if exits:
        lines.append(".SH EXIT STATUS")
        for number, words in exits:
            lines += [".TP", f".B {number}", escaped(words)]
    if examples:
        lines += [".SH EXAMPLES", ".nf", *[escaped(example) for example in examples], ".fi"]
    if not children:
        lines += [".SH SEE ALSO", ".BR sluice (1)"]
    return "\n".join(lines) + "\n"


def shown(part):
    return part.get("shouldDisplay", True)


def synopsis(argument):
    text = f"\\fI{escaped(argument['valueName'].upper())}\\fR" + (" \\&..." if argument["isRepeating"] else "")
    return f"[{text}]" if argument["isOptional"] else text


def heading(argument):
    value = f"\\fI{escaped(argument.get('valueName', '').upper())}\\fR"
    if argument["kind"] == "positional":
        return value
    names = ["--" + one["name"] if one["kind"].startswith("long") else "-" + one["name"] for one in argument["names"]]
    text = ", ".join(f"\\fB{escaped(name)}\\fR" for name in sorted(names, key=len))
    return f"{text} {value}" if argument["kind"] == "option" else text


def described(argument):
    text = argument.get("abstract", "")
    if values := argument.get("allValues"):
        text += f" One of: {', '.join(values)}."
    if argument.get("defaultValue"):
        text += f" Without it: {argument['defaultValue']}."
    return [escaped(text)] if text else [""]


def told(discussion):
    """What a command's help says below its first line: examples, words, and exit codes with theirs."""
    examples, words, exits = [], [], []
    for paragraph in re.split(r"\n\s*\n", discussion):
        if paragraph.lstrip().startswith("$ "):
            examples += [line.strip() for line in paragraph.splitlines()]
        elif paragraph.startswith("Exit codes: "):
            exits += re.findall(r"(\d+) ([^;]+?)(?:;|\.$)", " ".join(paragraph.split()))
        elif paragraph.strip():
            words.append(paragraph)
    return examples, "\n\n".join(words), exits


def paragraphs(text):
    lines = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines += [".PP", escaped(" ".join(paragraph.split()))]
    return lines[1:]


def escaped(text):
    """Text that roff takes as it is: a backslash, a hyphen that is typed, a line that begins like a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


if __name__ == "__main__":
    main(*sys.argv[1:])

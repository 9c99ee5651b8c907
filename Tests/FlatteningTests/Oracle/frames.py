"""Talks to `json-check`: documents go in as frames, one line comes back for each."""
import struct
import subprocess


def ask(program, mode, frames):
    """frames: (form, bytes) pairs. Returns a line of text for each."""
    data = b"".join(struct.pack("<BI", form, len(body)) + body for form, body in frames)
    lines = subprocess.run([program, mode], input=data, stdout=subprocess.PIPE, check=True).stdout.split(b"\n")[:-1]
    if len(lines) != len(frames):
        raise SystemExit(f"{program} answered {len(lines)} of {len(frames)} frames")
    return [line.decode() for line in lines]

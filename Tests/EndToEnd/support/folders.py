"""Folders that a process of another user must reach."""

import tempfile
from pathlib import Path


def open_to_others(folder):
    """Lets everybody enter a test's folder and all that lead to it, up to the folder for temporary files itself."""
    top = Path(tempfile.gettempdir()).resolve()
    folder = Path(folder).resolve()
    for place in (folder, *folder.parents):
        if place == top or top not in place.parents:
            return
        place.chmod(0o755)

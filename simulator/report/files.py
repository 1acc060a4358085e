"""Files that are written whole: a reader finds the old one or the new one, never a half."""

import os
import shutil
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a text or bytes beside its place and rename it; an existing file is replaced.

    What is no plain file (a pipe, a terminal) is written as it is, and so is a file in a folder
    that takes no other.

    Raises:
        OSError: It cannot be written; what was there is as it was.
    """
    written = content.encode() if isinstance(content, str) else content
    place = path.resolve()  # behind a symbolic link, which stays one
    beside = _beside(place)
    if beside is None:
        place.write_bytes(written)
        return
    try:
        beside.write_bytes(written)
        if place.exists():
            shutil.copymode(place, beside)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def _beside(place: Path) -> Path | None:
    """A new file in the folder of `place`, or None where `place` itself is to be written."""
    if place.exists() and not place.is_file():
        return None
    beside = place.with_name(f".{place.name[:200]}.{os.getpid()}")
    try:
        beside.open("x").close()
    except PermissionError:
        return None
    return beside

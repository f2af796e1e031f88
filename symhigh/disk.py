"""Files of results, written whole or not at all: a full disk, a kill or a fault leaves what was there before.

Above all rooms, for whatever writes what a user keeps. Generated code has its own rules, in ``codegen/folder.py``.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def keep(owner: str, path: str | Path, content: str | bytes) -> Path:
    """Write ``content`` to ``path`` and return that; ``ValueError`` in the name of ``owner`` where it cannot be."""
    file, data = Path(path), content.encode("utf-8") if isinstance(content, str) else content
    part: Path | None = None
    try:
        if file.exists() and not file.is_file():  # a terminal, a pipe
            with file.open("wb") as stream:
                stream.write(data)
            return file
        real = Path(os.path.realpath(file))
        part = real.with_name(f"{real.name}.{os.getpid()}.part")
        part.write_bytes(data)
        with suppress(OSError):
            shutil.copymode(real, part)
        os.replace(part, real)
    except OSError as error:
        if part is not None:
            with suppress(OSError):
                part.unlink()
        raise ValueError(f"{owner}({str(file)!r}): cannot be written: {error.strerror or error}") from error
    return file

"""Where a store is: an SQLite file, or the URL of a PostgreSQL database, which may hold a password."""

import re
from pathlib import Path

from imagebot.secret import Secret

Place = Path | Secret
"""The path of a file, or a URL that libpq reads: postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require"""

_URL = re.compile(r"postgres(?:ql)?://(?:[^@/?#\s]*@)?(?P<host>[^@/?#\s]*)(?P<database>/[^@/?#\s]*)?(?:\?[^@#\s]*)?")


def name_place(place: Place) -> str:
    """Return what people call it: the path, or the URL without user, password and parameters."""
    if isinstance(place, Path):
        return str(place)
    match = _URL.fullmatch(place.reveal())
    return f"postgresql://{match['host']}{match['database'] or ''}" if match else "postgresql"

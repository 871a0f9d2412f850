"""Sums of the files that scripts make, so that a test sees when one was changed by hand."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMS = ROOT / "tools/moderation/SUMS"


def note(*made: Path) -> None:
    """Writes down what was just made; `sha1sum -c tools/moderation/SUMS` looks whether it still is."""
    rows = [line.split("  ", 1) for line in SUMS.read_text().splitlines()] if SUMS.exists() else []
    sums = {path: digest for digest, path in rows}
    for path in made:
        sums[str(path.relative_to(ROOT))] = hashlib.sha1(path.read_bytes()).hexdigest()
    SUMS.write_text("".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())))

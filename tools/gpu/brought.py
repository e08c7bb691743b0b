"""What is worth bringing back from a machine that will be gone: not the states of resumes, not a teacher's answers."""

import tarfile
from pathlib import Path

LEFT = ("state.pt", "last.safetensors", "teacher-*.npy")


def bring(folder: Path) -> Path:
    """Write ``folder`` as a .tar.gz beside it and return that."""
    archive = folder.with_name(folder.name + ".tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=3) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not any(path.match(pattern) for pattern in LEFT):
                file.add(path, path.relative_to(folder.parent))
    return archive

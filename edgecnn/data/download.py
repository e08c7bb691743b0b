"""Get a data set through torchvision, which downloads and checks it, without ever leaving half of it behind.

torchvision works in a scratch folder inside the data root. The original archives may lie in the data root already, put
there by hand: then their checksums are compared and no network is needed.
"""

import contextlib
import http.client
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgecnn.errors import DataError, missing_package
from edgecnn.files import scratch_folder


@contextlib.contextmanager
def scratch(root: Path, archives: Mapping[str, str], name: str) -> Iterator[Path]:
    """Yield a folder for torchvision that holds those of ``archives`` (path in the root: MD5) that are there already.

    What goes wrong inside becomes a DataError that says what to bring. The folder is removed in any case.
    """
    _check_present(root, archives, name)
    root.mkdir(parents=True, exist_ok=True)
    with scratch_folder(root / name, root) as folder:
        for archive in archives:
            if (root / archive).exists():
                (folder / archive).parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(root / archive, folder / archive)
        try:
            yield folder
        except (OSError, http.client.HTTPException, RuntimeError) as error:  # RuntimeError is torchvision's
            raise DataError(
                f"{name}: could not be downloaded ({_reason(error)}). Without a network, put "
                f"{name}/train.npz and {name}/test.npz (images, labels) or the original archives "
                f"({', '.join(archives)}) into {root}, or use the data set digits, which needs no network."
            ) from error


def torchvision_datasets() -> Any:
    """Return ``torchvision.datasets``, or raise MissingPackageError."""
    try:
        from torchvision import datasets
    except ModuleNotFoundError as error:
        raise missing_package((error.name or "torchvision").partition(".")[0]) from None
    return datasets


def _check_present(root: Path, archives: Mapping[str, str], name: str) -> None:
    from torchvision.datasets.utils import calculate_md5

    for archive, expected in archives.items():
        path = root / archive
        if path.exists() and (found := calculate_md5(str(path))) != expected:
            raise DataError(
                f"{name}: {path} has checksum (MD5) {found}, expected {expected}: it is incomplete or not the "
                "original. Delete it to have it downloaded, or put the original there."
            )


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _reason(error: BaseException) -> str:
    """Return what went wrong last: torchvision tries several addresses and tells of each."""
    return " ".join(str(error).rpartition("got:")[2].split()) or type(error).__name__

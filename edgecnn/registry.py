"""What there is one file of for each thing, found by the file's name: networks, data sets, recipes, studies, providers,
targets, forms, tasks, figures of a report, kinds of device and other runtimes.

A name is that of the file, or of a folder that is a package, with dashes for the underscores of modules; a file whose
name begins with an underscore is shared by the others. Names are read from the folder, so that to list them brings in
nothing of what the files need.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn.errors import DataError, DeviceError, EdgecnnError, EmbedError, ProviderError, RecipeError, nearest
from edgecnn.text import excerpt

MOST_NAMED = 16  # in a message; of more, the nearest

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Registry:
    """The files of one package. ``besides`` says what may stand in place of a name, and ``error`` is what is raised for
    a name that is none. ``listed`` is what ``edgecnn list`` calls them, where there are too many for a message.
    ``also`` is a pattern of further folders with files of that kind."""

    noun: str
    package: str
    error: type[EdgecnnError]
    suffix: str = ".py"
    besides: str = ""
    listed: str = ""
    also: str = ""

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return PACKAGE.joinpath(*self.package.split(".")[1:])

    def names(self) -> tuple[str, ...]:
        """Return the names, sorted."""
        return tuple(sorted(self._files()))

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def check(self, name: str) -> str:
        """Return a name that is there, or raise the registry's error, with those that are and the nearest."""
        known = self.names()
        if name in known:
            return name
        few = known if not self.listed or len(known) <= MOST_NAMED else (f"what edgecnn list {self.listed} shows",)
        listed = ", ".join((*few, self.besides) if self.besides else few)
        raise self.error(f"no {self.noun} '{excerpt(name)}'; there is {listed}.{nearest(name, known)}")

    def module(self, name: str) -> Any:
        """Return the module of a name, or raise as ``check`` does."""
        path = self._files()[self.check(name)].relative_to(PACKAGE.parent)
        return importlib.import_module(".".join(path.with_suffix("").parts))

    def path(self, name: str) -> Path:
        """Return the file of a name, or raise as ``check`` does."""
        return self._files()[self.check(name)]

    def describe(self, name: str) -> str:
        """Return the first line of what a module says of itself."""
        return (self.module(name).__doc__ or "").strip().splitlines()[0]

    def _files(self) -> dict[str, Path]:
        folders = [self.folder, *(PACKAGE.glob(self.also) if self.also else ())]
        return {self._dashed(path.stem): path for folder in folders for path in folder.iterdir() if self._is_one(path)}

    def _is_one(self, path: Path) -> bool:
        is_package = self.suffix == ".py" and (path / "__init__.py").exists()
        return path.name[0] != "_" and (path.suffix == self.suffix or is_package)

    def _dashed(self, stem: str) -> str:
        return stem.replace("_", "-") if self.suffix == ".py" else stem


NETWORKS = Registry("network", "edgecnn.networks", RecipeError, besides="or FILE.py:NAME, one of your own")
DATASETS = Registry(
    "data set",
    "edgecnn.data.named",
    DataError,
    besides="folder:PATH, csv:FILE, parquet:PATH, tar:PATH, hf:FOLDER or a path ending in .npz",
)
RECIPES = Registry(
    "recipe", "edgecnn.recipes", RecipeError, ".toml", besides="or a path ending in .toml", listed="recipes"
)
STUDIES = Registry(
    "study", "edgecnn.studies", RecipeError, ".toml", besides="or a path ending in .toml", listed="studies"
)
PROVIDERS = Registry("provider", "edgecnn.runtime.providers", ProviderError)
TARGETS = Registry("target", "edgecnn.embed.targets", EmbedError)
FORMS = Registry("form", "edgecnn.quantize.forms", EdgecnnError, besides="or auto")
TASKS = Registry("task", "edgecnn.tasks", EdgecnnError)
CHECKS = Registry("check", "edgecnn.audit.checks", EdgecnnError)
RUNTIMES = Registry("runtime", "edgecnn.bench.runtimes", EdgecnnError)
DEVICES = Registry("kind of device", "edgecnn.devices.kinds", DeviceError)
FIGURES = Registry("figure", "edgecnn.report.figures", EdgecnnError, also="tasks/_*/figures")

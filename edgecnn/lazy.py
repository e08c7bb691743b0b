"""Packages whose names are imported when they are first asked for, and which are called as their main function.

``edgecnn.train`` is what is called, and where the modules of that stage lie. Python binds ``train`` in ``edgecnn`` to
the package as soon as one of its modules is imported, so a function of that name would be there or not depending on
what was imported before. Here the name is the package, always, and the package has ``__call__``: a module may be of a
class of its own (Python's data model, "Customizing module attribute access").
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


class Stage(ModuleType):
    """A package that imports what it offers on first use, and is called as the function that has its name."""

    homes: Mapping[str, str]  # where what is offered lies

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function that has the package's name."""
        return self._function()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name == "__signature__":  # what inspect, and so help and notebooks, show of a call
            return inspect.signature(self._function())
        home = self.__dict__.get("homes", {}).get(name)
        if home is None:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        return getattr(importlib.import_module(home), name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.homes})

    def _function(self) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self, self.__name__.rpartition(".")[2])
        return found


def stage(package: str, homes: Mapping[str, str]) -> None:
    """Make a package a Stage. ``homes`` has what it offers and the module, of its own, where that lies.

    No name may be that of one of its modules: it would be the function, until that module is imported.
    """
    module = sys.modules[package]
    module.__class__ = Stage
    vars(module)["homes"] = {name: f"{package}.{home}" for name, home in homes.items()}

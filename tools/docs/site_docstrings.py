"""How docstrings come into the site: doctests as blocks of code, and a role as the name that it marks."""

import re
from typing import Any

import griffe

DOCTEST = re.compile(r"^(?:>>> .*(?:\n(?!\s*$).+)*)(?:\n\n?>>> .*(?:\n(?!\s*$).+)*)*", re.M)
LITERAL = re.compile(r"(?<=\w)::(?=\n)")  # what begins a block in docstrings, where Markdown has one colon
ROLE = re.compile(r":(?:class|func|meth|mod|data|exc):(?=`)")


def shown(docstring: str) -> str:
    """Return a docstring as Markdown.

    >>> shown("Add :func:`two`.\\n\\n>>> 1 + 1\\n2")
    'Add `two`.\\n\\n```pycon\\n>>> 1 + 1\\n2\\n```'
    """
    return DOCTEST.sub(lambda match: f"```pycon\n{match[0]}\n```", ROLE.sub("", LITERAL.sub(":", docstring)))


class Docstrings(griffe.Extension):
    """Change the docstrings of a package when it has been read."""

    def on_package(self, *, pkg: griffe.Module, **more: Any) -> None:
        """Bring all docstrings into Markdown."""
        _change(pkg)


def _change(found: griffe.Object | griffe.Alias) -> None:
    if found.is_alias:
        return
    if found.docstring is not None:
        found.docstring.value = shown(found.docstring.value)
    for member in found.members.values():
        _change(member)

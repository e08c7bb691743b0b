"""What a project can be made for: one file each, found by its name (``Target`` says what such a file has)."""

from edgecnn.embed.targets._found import Growing, Target, get, names, templates

__all__ = ["Growing", "Target", "get", "names", "templates"]

"""Names of classes: which are the same, and how two that look alike differ."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable


def normal(name: str) -> str:
    """Return a name with its accents composed (NFC): the same name on every file system.

    >>> ascii(normal("cafe" + chr(0x301)))
    "'caf\\\\xe9'"
    """
    return unicodedata.normalize("NFC", name)


def unlike(found: Iterable[str], expected: Iterable[str]) -> str:
    """Return a sentence on each found name that differs from an expected one in nothing that is seen at once.

    >>> unlike(["cat"], ["Cat", "dog"])
    " 'cat' and 'Cat' differ in case alone."
    """
    others = list(expected)
    told = (_difference(name, other) for name in found for other in others if name != other)
    return "".join(f" {sentence}" for sentence in told if sentence)


def alike(names: Iterable[str]) -> list[str]:
    """Return a sentence on each two names of one data set that differ in nothing that is seen at once.

    >>> alike(["cat", "dog", "Cat"])
    ["'Cat' and 'cat' differ in case alone."]
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[" ".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
    told = (unlike(same[-1:], same[:-1]).strip() for same in found.values() if len(same) > 1)
    return [sentence for sentence in told if sentence]


def _difference(name: str, other: str) -> str:
    if normal(name) == normal(other):
        return f"{name!a} and {other!a} differ in composed and decomposed accents alone."
    if " ".join(name.split()) == " ".join(other.split()):
        return f"'{name}' and '{other}' differ in spaces alone."
    if unicodedata.normalize("NFKC", name).casefold() == unicodedata.normalize("NFKC", other).casefold():
        return f"'{name}' and '{other}' differ in case alone."
    return ""

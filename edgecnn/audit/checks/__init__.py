"""What is looked for in a file: one module for each, found by its name.

A check's module has:

``PLACE``            a number that orders checks
``look(evidence)``   a ``Finding``, ``Fine`` with what was seen, or ``Unseen`` with the reason
"""

from edgecnn.audit.checks._looking import Check, look

__all__ = ["Check", "look"]

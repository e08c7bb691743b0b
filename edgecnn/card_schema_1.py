"""Cards as edgecnn 0.1.0 wrote them, brought to what is written today; whatever is broken in them stays as it is.

Then a model had a ``kind``, F1 was stored as ``accuracy``, golden answers as ``probabilities_nk``, for a finder its
scores, and the gap of any output to PyTorch's as one of logits.
"""

from typing import Any

TASKS = {"classifier": "classification", "finder": "detection"}


def upgraded(card: dict[str, Any]) -> dict[str, Any]:
    """Return the document of schema 1 as one of schema 2."""
    card = dict(card)
    kind = card.pop("kind", "classifier")
    detects = kind == "finder"
    card["task"] = TASKS.get(kind, kind) if isinstance(kind, str) else kind
    if isinstance(card.get("metrics"), list):
        card["metrics"] = [_score(found, "f1" if detects else "accuracy") for found in card["metrics"]]
    if isinstance(card.get("parity"), dict):
        card["parity"] = _parity(card["parity"], detects)
    if isinstance(card.get("golden"), dict):
        card["golden"] = _golden(card["golden"], detects)
    card["schema"] = 2
    return card


def _score(found: Any, metric: str) -> Any:
    return _renamed(found, accuracy="value") | {"metric": metric} if isinstance(found, dict) else found


def _parity(found: dict[str, Any], detects: bool) -> dict[str, Any]:
    parity = _renamed(found, max_abs_logit_gap_below="max_abs_gap_below")
    return parity | {"output": "maps", "agreement": None} if detects else parity | {"output": "logits"}


def _golden(found: dict[str, Any], detects: bool) -> dict[str, Any]:
    golden = dict(found)
    boxes, answers = golden.pop("boxes_m4", None), golden.pop("probabilities_nk", None)
    if not detects:
        return golden if answers is None else golden | {"answers": {"probabilities": answers}}
    named = {"boxes": boxes, "scores": _flat(answers)}
    return golden | {"answers": {name: array for name, array in named.items() if array is not None}}


def _flat(array: Any) -> Any:
    """Return scores (1, M) of one page as (M,)."""
    shape = array.get("shape") if isinstance(array, dict) else None
    return {**array, "shape": shape[1:]} if isinstance(shape, list) and len(shape) == 2 else array


def _renamed(found: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in found.items()}

"""Leave the layers whose integers cost the most in float, one after the other, until the rest loses little enough.

Which ones come next follows from training images alone: of the few that cost the most by themselves, the one without
which the noise at the end of the network falls the most. One without weights, such as an addition, comes with all that
it takes from and hands on to, since its values stay integers as long as one of these is; what that brings is shared by
their number. When it is enough is decided on validation images. These are looked at once for each layer, so that a drop
that is just within what is allowed may be luck: ``edgecnn verify`` on the test split has the last word.
"""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import FloatLayer, Mixture
from edgecnn.errors import FormError
from edgecnn.quantize.forms import Parent
from edgecnn.quantize.forms._quantizer import prepared_static
from edgecnn.quantize.parts import Costs, Part, neighbors
from edgecnn.quantize.trial import Trial

PIXELS = 2_000_000  # of the training images that costs are measured on
MOST_IMAGES, LEAST_IMAGES = 128, 4
SHORTLIST = 4  # of the parts that cost the most, how many are tried for the next place
LIMIT_S = 1800.0  # after so long no further layer is tried


def search(parent: Parent, images_nhwc: NDArray[np.uint8], trial: Trial) -> tuple[bytes, Mixture]:
    """Return the form with the fewest layers in float that suffices, and which these are.

    Raises FormError where all layers in integers suffice already, where none would be left, and where it takes
    longer than ``LIMIT_S``.
    """
    started = time.monotonic()
    with prepared_static(parent, images_nhwc, reduce_range=True) as static:
        trial.say("all layers in int8")
        costs = Costs(static, images_nhwc[: _count(images_nhwc)], trial.decisive)
        found = trial.compare(costs.form([]))
        first, floats, kept = found.drop_pp, list[Part](), list[FloatLayer]()
        if trial.suffices(found):
            raise FormError("No layer has to stay in float: int8-static drops by no more than is allowed.")
        order = _costliest(costs, trial)
        waiting: list[Part] = []
        while not trial.suffices(found):
            if len(floats) == len(costs.parts) - 1:
                raise FormError(f"All {len(costs.parts)} layers would have to stay in float.")
            if time.monotonic() - started > LIMIT_S:
                raise FormError(
                    f"After {LIMIT_S / 60:.0f} minutes, with {len(floats)} of {len(costs.parts)} layers in float, it "
                    f"still drops by {found.drop_pp:.2f} points. Allow more with --max-drop-pp."
                )
            waiting = waiting or _next(costs, floats, list(order))
            part = waiting.pop(0)
            floats.append(part)
            found = trial.compare(costs.form(floats))
            kept.append(FloatLayer(part.name, part.title, costs.snr_db[part.name], order[part], found.drop_pp))
            trial.say(f"{len(floats)} of {len(costs.parts)} layers in float, drop {found.drop_pp:+.2f} points")
        return costs.form(floats), Mixture(len(costs.parts), first, kept)


def _count(images_nhwc: NDArray[np.uint8]) -> int:
    return max(LEAST_IMAGES, min(MOST_IMAGES, PIXELS // int(images_nhwc[0].size)))


def _costliest(costs: Costs, trial: Trial) -> dict[Part, float | None]:
    """Return the ratio of signal to noise at the end with each part alone in integers, the least first."""
    return dict(sorted(_alone(costs, trial), key=lambda item: np.inf if item[1] is None else item[1]))


def _alone(costs: Costs, trial: Trial) -> Iterator[tuple[Part, float | None]]:
    for number, part in enumerate(costs.parts):
        trial.say(f"each layer alone in int8, {number} of {len(costs.parts)}")
        yield part, costs.alone_db(part)


def _next(costs: Costs, floats: list[Part], order: list[Part]) -> list[Part]:
    """Return which parts to leave in float beside others; of several that bring as much, those that cost the most."""
    beside = neighbors(costs.network, costs.parts)
    together = [[part] if part.has_weights else [part, *beside[part]] for part in order if part not in floats]
    shortlist = [[part for part in parts if part not in floats] for parts in together[:SHORTLIST]]
    if len(shortlist) == 1:
        return shortlist[0]
    before = costs.noise(floats)
    chosen = max(shortlist, key=lambda parts: (before - costs.noise([*floats, *parts])) / len(parts))
    return sorted(chosen, key=order.index)

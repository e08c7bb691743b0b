"""Channel counts that do not fill the blocks in which float convolutions take channels."""

from edgecnn.audit.checks import _channels
from edgecnn.audit.checks._float import UNLINKED, percent
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found, Unseen

NAME, PLACE = "channels", 50
MOST_NAMED = 4


def look(evidence: Evidence) -> Found:
    """Compare the channels of the file with those that were computed."""
    if not evidence.ran.linked:
        return Unseen(NAME, UNLINKED.format(provider=evidence.ran.provider))
    size = _channels.block(evidence)
    if not size:
        return Fine(NAME, "no convolution takes its channels in blocks here")
    found = _channels.missed(evidence)
    if not found:
        return Fine(NAME, f"the channels of every float convolution fill blocks of {size}")
    reorders = _channels.reorders(evidence, found)
    between = evidence.ran.share(reorders)
    named = sorted(found, key=lambda one: -(one.lost or 0.0))[:MOST_NAMED]
    return Finding(
        NAME,
        evidence.ran.names(one.kernel.index for one in found),
        "; ".join(map(_said, named))
        + (f"; and {len(found) - len(named)} more" if found[len(named) :] else "")
        + (f"; changes of layout because of that take {percent(between)} of the time" if reorders else ""),
        f"make the numbers of channels multiples of {size}: one above costs nothing more where it is computed already, "
        "one below saves",
        sum(one.lost or 0.0 for one in found) + between,
        "the padded part of each convolution's operations, or what it takes above the rate of this file's convolutions "
        "in blocks, and the changes of layout beside them",
    )


def _said(one: _channels.Missed) -> str:
    out, into = one.channels
    if one.computed is None:
        return f"{one.kernel.node}: {into} channels to {out} go through {one.kernel.operator}, not through blocks"
    pairs = [(out, one.computed[0], "out"), (into, one.computed[1], "in")]
    said = " and ".join(f"{real} channels {side} are computed as {made}" for real, made, side in pairs if made > real)
    return f"{one.kernel.node}: {said}"

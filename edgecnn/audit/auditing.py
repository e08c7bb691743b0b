"""Audit a model file: run it and its reference in turns, look at what ran, and say what to change."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from edgecnn import files, zoo
from edgecnn.audit import answer, checks
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Unseen
from edgecnn.audit.images import Images, images_for
from edgecnn.audit.kinds import Kind, by_kind
from edgecnn.audit.measuring import Measured, measure
from edgecnn.audit.ran import Kernel
from edgecnn.errors import ModelError
from edgecnn.insight import graph, layers, noise
from edgecnn.insight.graph import Network
from edgecnn.insight.noise import LayerNoise
from edgecnn.machine.environment import Environment, environment
from edgecnn.onnx_file import versions_of
from edgecnn.runtime import int8
from edgecnn.saturation import prove


@dataclass(frozen=True)
class Audit:
    """What a file runs, and what to change.

    ``call_us`` is a quick call with one image (nine of ten take as long), without the profiler, in the quickest round,
    and ``ratio`` that of the file over that of the reference; ``ratio_range`` has the least and the largest ratio of a
    round. They are None without a reference. ``answer`` is all of it in a sentence.
    """

    SCHEMA: ClassVar[int] = 1

    model: str
    form: str
    reference: str | None
    reference_form: str | None
    provider: str
    threads: int
    rounds: int
    images: int
    images_source: str
    call_us: float
    reference_call_us: float | None
    ratio: float | None
    ratio_range: tuple[float, float] | None
    kernels: list[Kernel]
    kinds: list[Kind]
    findings: list[Finding]
    fine: list[Fine]
    unseen: list[Unseen]
    answer: str
    environment: Environment


def audit(
    model: str | Path,
    reference: str | Path | None = None,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    provider: str = "cpu",
    threads: int | None = None,
    seconds: float = 1.0,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Audit:
    """Return what a model file, or a model of the zoo by its name, really runs, and what would make it faster.

    Any ONNX file that takes images of a known size will do. ``reference`` is what it is compared with; without one it
    is the float32 parent that the card names, where that lies in the same folder. Each is timed for about ``seconds``.
    Errors by layer are measured on the card's golden images, or on training images of ``dataset``.

    Raises ModelError, CardError, DataError or ProviderError.
    """
    network = graph.read(model)
    other = graph.read(reference) if reference is not None else parent_of(network)
    if other is not None and other.input.image_shape != network.input.image_shape:
        raise ModelError(
            f"{other.name} takes images of {_sides(other)}, {network.name} of {_sides(network)}; expected two files of "
            "one network."
        )
    on_stage("reading images")
    images = images_for(network, other, dataset=dataset, root=root)
    both = [network] if other is None else [other, network]
    measured = measure(both, images.images_nhwc[0], provider=provider, threads=threads, seconds=seconds, say=on_stage)
    on_stage("comparing layer by layer")
    alike = other is not None and bool(noise.matched(other, network))
    rows = noise.measure(other, network, images.images_nhwc) if other is not None and alike else None
    on_stage("checking")
    own, theirs = measured[-1], measured[0] if other is not None else None
    evidence = Evidence(
        network=network,
        measured=own,
        reference=theirs,
        macs={row.index: row.macs for row in layers.table(network) if row.macs},
        noise=rows,
        saturation=prove(network.path),
        saturates=int8.saturates() if network.quantized else False,
        opset=versions_of(network.path)[0],
    )
    return _said(evidence, other, images, rows or [])


def parent_of(network: Network) -> Network | None:
    """Return the float32 file that a card names as what it was made from, where it lies in the same folder."""
    wanted = None if network.card is None else network.card.parent_sha256
    beside = sorted(network.path.parent.glob("*.onnx")) if wanted else []
    path = next((path for path in beside if files.sha256(path) == wanted), None)
    if path is None:
        return None
    names = (name for name, one in zoo.names().items() if one == path and "/" in name)
    return replace(graph.read(path), name=next(names, str(path)))


def _said(evidence: Evidence, other: Network | None, images: Images, rows: list[LayerNoise]) -> Audit:
    network, own, theirs = evidence.network, evidence.measured, evidence.reference
    said = checks.look(evidence)
    findings = sorted((one for one in said if isinstance(one, Finding)), key=lambda one: -(one.brings or 0.0))
    ratios = None if theirs is None else [a / b for a, b in zip(own.calls_us, theirs.calls_us, strict=True)]
    kinds = by_kind(own.ran.kernels, None if theirs is None else theirs.ran.kernels)
    found = Audit(
        model=network.name,
        form=form_of(network),
        reference=None if other is None else other.name,
        reference_form=None if other is None else form_of(other),
        provider=own.ran.provider,
        threads=own.ran.threads,
        rounds=len(own.calls_us),
        images=len(images.images_nhwc),
        images_source=images.source,
        call_us=min(own.calls_us),
        reference_call_us=None if theirs is None else min(theirs.calls_us),
        ratio=None if theirs is None else min(own.calls_us) / min(theirs.calls_us),
        ratio_range=None if ratios is None else (min(ratios), max(ratios)),
        kernels=_with_errors(network, own, rows),
        kinds=kinds,
        findings=findings,
        fine=[one for one in said if isinstance(one, Fine)],
        unseen=[one for one in said if isinstance(one, Unseen)],
        answer="",
        environment=environment(),
    )
    busy = found.environment.warning is not None
    said_shortly = answer.sentence(
        found.model, found.reference, kinds, findings, found.ratio, found.ratio_range, busy=busy
    )
    return replace(found, answer=said_shortly)


def form_of(network: Network) -> str:
    """Return a file's form, by its card, or whether it has integers."""
    return network.card.form if network.card is not None else ("int8" if network.quantized else "float")


def _with_errors(network: Network, measured: Measured, rows: list[LayerNoise]) -> list[Kernel]:
    """Give each layer's error to the kernel that has most of its time, or its weights."""
    by_name = {row.candidate: row for row in rows}
    mains: dict[int, Kernel] = {}
    for kernel in measured.ran.kernels:
        if kernel.layer is not None and not (kernel.is_quantizer or kernel.is_layout):
            best = mains.get(kernel.layer)
            if best is None or (kernel.is_product, kernel.share) > (best.is_product, best.share):
                mains[kernel.layer] = kernel
    found = list(measured.ran.kernels)
    for layer, kernel in mains.items():
        row = by_name.get(network.layers[layer].name)
        if row is not None:
            found[kernel.index] = replace(kernel, snr_db=row.snr_db, fall_db=row.fall_db)
    return found


def _sides(network: Network) -> str:
    return "x".join(map(str, network.input.image_shape))

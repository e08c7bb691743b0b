"""Regression: one number for each image, here the value of a digit. A task that is one module."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ModelCard, Parity, Score
from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import SelfTest

GAP = 1e-3


class Regressor(Model):
    """A model file that answers a number for each image."""

    TASK = "regression"

    def answers(self, images_nhwc: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return {"value": self._model.run(["value"], {"image": images_nhwc})[0]}


@dataclass(frozen=True)
class Compared:
    """Two regressors on the same images, by their coefficient of determination."""

    dataset: str
    split: str
    images: int
    reference_score: float
    candidate_score: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    max_drop_pp: float
    verdict: str
    passed: bool
    images_needed: int | None = None
    metric: str = "r2"
    environment: None = None
    flip_counts: None = None

    def tables(self) -> list:
        from edgecnn.verify.table import Table

        rows = [("reference", f"{self.reference_score:.4f}"), ("candidate", f"{self.candidate_score:.4f}")]
        return [Table(f"{self.images} images of {self.dataset}", ("", "r2"), rows)]

    def remarks(self) -> list[str]:
        return []

    def breakdowns(self) -> list:
        return []


@dataclass(frozen=True)
class Evaluated:
    """One regressor on the images of a split."""

    dataset: str
    images: int
    score: float
    metric: str = "r2"

    def tables(self) -> list:
        from edgecnn.verify.table import Table

        return [Table(f"{self.images} images of {self.dataset}", ("r2",), [(f"{self.score:.4f}",)], left=0)]

    def remarks(self) -> list[str]:
        return []


# What a device asks


def open_file(model):
    return Regressor(model)


def selftest(model: Model) -> SelfTest:
    golden = model.card.golden
    gap = float(np.abs(model.answers(golden.images_nhwc)["value"] - golden.answers["value"]).max())
    passed = gap <= golden.tolerance
    return SelfTest(
        model.card.name, len(golden.images_nhwc), gap, 0.0, golden.tolerance, passed, model.provider, passed
    )


def image_shape(card: ModelCard) -> tuple[int, int, int]:
    return card.input.shape


# What a training asks


def prepare(recipe, root):
    from edgecnn import data
    from edgecnn.card import DatasetRecord
    from edgecnn.train.examples import Examples, Prepared

    def examples(images_nhwc, labels_n):
        return Examples(images_nhwc, labels_n.astype(np.float32), ("value",))

    split = data.read_split(recipe.data.name, "train", root=root)
    held = len(split) // 5
    record = DatasetRecord(recipe.data.name, len(split) - held, held, split_seed=0)
    validation = examples(split.images_nhwc[:held], split.labels_n[:held])
    return Prepared(
        examples(split.images_nhwc[held:], split.labels_n[held:]), validation, record, split.images_nhwc[:8]
    )


def objective(recipe, labels, device):
    import torch

    class Tally:
        def __init__(self) -> None:
            self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
            self.pairs = torch.zeros(4, dtype=torch.float64, device=device)  # images, sum, squares, squared errors

        def add(self, loss_sum, targets, answers) -> None:
            y, found = targets.double(), answers[:, 0].detach().double()
            self.loss_sum += loss_sum.double()
            self.pairs += torch.stack((torch.ones_like(y).sum(), y.sum(), (y**2).sum(), ((found - y) ** 2).sum()))

        @property
        def mean_loss(self) -> float:
            return float(self.loss_sum / self.pairs[0].clamp(min=1))

        def figures(self) -> dict[str, float]:
            images, total, squares, errors = self.pairs.tolist()
            return {"r2": 1 - errors / max(squares - total**2 / max(images, 1), 1e-9)}

    class Objective:
        def tally(self):
            return Tally()

        def mean_loss(self, answers, batch):
            return ((answers[:, 0] - batch.labels_n) ** 2).mean()

        def loss_sum(self, answers, targets):
            return ((answers[:, 0] - targets) ** 2).sum()

    return Objective()


# What an export asks


def prove(checkpoint, run, *, dataset, root, calibrated):
    import torch

    from edgecnn.export.proven import Proven, public_recipe, trained_parameters
    from edgecnn.export.trace import traced
    from edgecnn.onnx_file import runtime_versions
    from edgecnn.runtime.session import open_model

    network, images = checkpoint.build().eval(), checkpoint.golden_images_nhwc
    batch = {0: torch.export.Dim("N")}
    model = traced(network, images[:2], "value", inputs=["image"], outputs=["value"], dynamic=batch)
    graph = model.SerializeToString(deterministic=True)
    found = open_model(graph).run(["value"], {"image": images.numpy()})[0]
    with torch.inference_mode():
        gap = float(np.abs(found - network(images).numpy()).max())
    score = Score("validation", checkpoint.dataset.validation, "r2", checkpoint.figures["r2"])
    card = ModelCard(
        name=checkpoint.recipe.name, form="fp32", labels=list(checkpoint.labels), input=checkpoint.input,
        network=checkpoint.recipe.network.name, parameters=trained_parameters(checkpoint), dataset=checkpoint.dataset,
        recipe=public_recipe(checkpoint), metrics=[score],
        parity=Parity(len(images), "golden images", "value", GAP, GAP, None), quantization=None, parent_sha256=None,
        versions=checkpoint.versions | runtime_versions(), golden=_golden(graph, images.numpy()), task="regression",
    )  # fmt: skip
    return Proven(graph, card, "value", gap, None, len(images), "golden images")


def check(model: Model) -> None:
    pass


# What is asked to compare, to time and to quantize


def contender(model, name, file):
    from edgecnn import contender

    images = model.card.golden.images_nhwc
    return contender.of_model(contender.Contender, model, name, file, images, model.answers)


def checkpoint_contender(checkpoint, path, threads):
    from edgecnn import contender

    return contender.of_checkpoint(contender.Contender, checkpoint, path, threads)


def compare(reference, candidate, *, dataset, root, split, max_drop_pp, apart):
    apart.whole_alone("a regression")
    card = _card(candidate)
    images_nhwc, truth_n = _images(card, split, root)
    return _compared(
        _values(reference, images_nhwc), _values(candidate, images_nhwc), truth_n, card, split, max_drop_pp
    )


def evaluate(model, *, dataset, root, split, provider):
    card = _card(model)
    images_nhwc, truth_n = _images(card, split, root)
    return Evaluated(card.dataset.name, len(truth_n), _r2(_values(model, images_nhwc), truth_n))


def yardstick(file, card, *, dataset, root):
    return Yardstick(file, card, *_images(card, "validation", root), root)


@dataclass(frozen=True)
class Yardstick:
    """What forms are calibrated on and measured with."""

    file: Path
    card: ModelCard
    images_nhwc: NDArray[np.uint8]
    truth_n: NDArray[np.float32]
    root: Path | None
    metric: str = "r2"

    @property
    def images(self) -> int:
        return len(self.truth_n)

    def parent_score(self) -> float:
        return _r2(_values(self.file, self.images_nhwc), self.truth_n)

    def calibration(self):
        from edgecnn.card import Calibration

        chosen = _images(self.card, "train", self.root)[0][:256]
        return chosen, Calibration(len(chosen), 0, list(range(len(chosen))))

    def decisive(self, ends):
        return ends

    def golden(self, graph: bytes):
        return _golden(graph, self.card.golden.images_nhwc, 2.0)

    def compare(self, candidate: Path, max_drop_pp: float) -> Compared:
        found = (_values(path, self.images_nhwc) for path in (self.file, candidate))
        return _compared(*found, self.truth_n, self.card, "validation", max_drop_pp)


def page():
    raise NotImplementedError("this test-only task has no model in the zoo")


def subject(source):
    from edgecnn.report.subject import Quality, Subject

    class Regressed(Subject):
        @property
        def quality(self):
            found = evaluate(source.file, dataset=None, root=source.root, split=source.split, provider="cpu")
            return Quality("r2", found.score, None, found.images, source.split, found.dataset)

        @property
        def comparison(self):
            return None

    return Regressed(source)


def _golden(graph: bytes, images_nhwc, tolerance: float = GAP):
    from edgecnn.card import Golden
    from edgecnn.runtime.session import open_model

    model = open_model(graph, thread_count=1)
    return Golden(images_nhwc, {"value": model.run(["value"], {"image": images_nhwc})[0]}, tolerance)


def _card(model) -> ModelCard:
    from edgecnn.metadata import read_card

    return read_card(model)


def _images(card: ModelCard, split: str, root):
    from edgecnn import data

    found = data.read_split(card.dataset.name, "test" if split == "test" else "train", root=root)
    held = card.dataset.validation
    part = {"test": slice(None), "validation": slice(held), "train": slice(held, None)}[split]
    return found.images_nhwc[part], found.labels_n[part].astype(np.float32)


def _values(model, images_nhwc) -> NDArray[np.float32]:
    from edgecnn.contender import in_batches, open_contender

    opened = open_contender(model)
    answer = (lambda part: opened.answer(part)["value"]) if opened.engine == "onnx" else opened.answer
    return in_batches(answer, images_nhwc)[:, 0]


def _r2(found_n, truth_n) -> float:
    return float(1 - ((found_n - truth_n) ** 2).sum() / ((truth_n - truth_n.mean()) ** 2).sum())


def _compared(reference_n, candidate_n, truth_n, card: ModelCard, split: str, max_drop_pp: float) -> Compared:
    from edgecnn.verify.gate import judge

    seed = int(hashlib.sha256(card.name.encode()).hexdigest()[:8], 16)
    draws = np.random.default_rng(seed).integers(0, len(truth_n), (500, len(truth_n)))
    drops = [100 * (_r2(reference_n[d], truth_n[d]) - _r2(candidate_n[d], truth_n[d])) for d in draws]
    own, other = _r2(reference_n, truth_n), _r2(candidate_n, truth_n)
    interval = (float(np.quantile(drops, 0.025)), float(np.quantile(drops, 0.975)))
    verdict = judge(interval, max_drop_pp)
    name = card.dataset.name
    return Compared(
        name, split, len(truth_n), own, other, 100 * (own - other), interval, max_drop_pp, verdict, verdict == "within"
    )

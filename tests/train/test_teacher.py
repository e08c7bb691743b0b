"""A student learns from the answers of its teachers, in whatever form they come."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SMALL
from torch.nn import functional as F

from edgecnn import checkpoint
from edgecnn.checkpoint import BEST, LAST
from edgecnn.contender import open_classifier
from edgecnn.errors import CheckpointError, EdgecnnError, Interrupted, RecipeError
from edgecnn.export.proven import public_recipe
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Loss, Recipe, Teacher
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.tasks._classification.learning import ClassificationObjective
from edgecnn.train import train
from edgecnn.train.augment import Batch
from edgecnn.train.examples import Prepared
from edgecnn.train.loop import Loop
from edgecnn.train.teacher import Answer, divergence, teach

CPU = torch.device("cpu")


def _recipe(*models: Path | str, **changes: Any) -> Recipe:
    few = {**SMALL, "epochs": 2, "data.subset": 200, "data.validation": 40, "network.parameters": {"filters": [4]}}
    return read("digits-compact", few | {"teacher.models": [str(model) for model in models], **changes})


@pytest.fixture(scope="module")
def prepared(data_root: Path) -> Prepared:
    return prepare(_recipe("any"), data_root)


@pytest.fixture
def images_nhwc(prepared: Prepared) -> torch.Tensor:
    return torch.from_numpy(prepared.train.images_nhwc[:20])


def _answer(prepared: Prepared, *models: Path, mirrored: bool = False) -> Answer:
    return teach(Teacher(models=[str(model) for model in models], mirrored=mirrored), prepared, CPU)


def test_divergence_is_that_of_hinton() -> None:
    """T^2 sum p log(p / q) over softened probabilities, the mean of the images; none from oneself."""
    logits, teacher = torch.randn(5, 3), torch.randn(5, 3)
    p, q = (values.div(4).softmax(1) for values in (teacher, logits))
    torch.testing.assert_close(divergence(logits, teacher, 4.0), 16 * (p * (p / q).log()).sum(1).mean())
    assert divergence(teacher, teacher, 4.0).abs() < 1e-6


def test_its_gradient_at_a_high_temperature_is_that_of_matching_logits() -> None:
    """As the paper shows: for centered logits (z - v) / K."""
    logits, teacher = (torch.randn(1, 4, dtype=torch.float64) for _ in range(2))
    logits, teacher = logits - logits.mean(), teacher - teacher.mean()
    logits.requires_grad_()
    divergence(logits, teacher, 1e4).backward()
    torch.testing.assert_close(logits.grad, (logits.detach() - teacher) / 4, atol=1e-3, rtol=0)


def test_a_run_and_its_model_file_teach_the_same(
    run: Path, model: Path, prepared: Prepared, images_nhwc: torch.Tensor
) -> None:
    expected = torch.from_numpy(open_classifier(run).logits(images_nhwc.numpy()))
    for form in (run, run / BEST, model):
        torch.testing.assert_close(_answer(prepared, form)(images_nhwc), expected, atol=1e-4, rtol=0)


def test_several_are_averaged_and_mirror_images_too(
    run: Path, prepared: Prepared, images_nhwc: torch.Tensor, tmp_path: Path, data_root: Path
) -> None:
    other = tmp_path / "other"
    train(_recipe(run, epochs=1), other, root=data_root)
    first, second = _answer(prepared, run)(images_nhwc), _answer(prepared, other)(images_nhwc)
    torch.testing.assert_close(_answer(prepared, run, other)(images_nhwc), (first + second) / 2)
    mirrored = _answer(prepared, run)(images_nhwc.flip(2))
    torch.testing.assert_close(_answer(prepared, run, mirrored=True)(images_nhwc), (first + mirrored) / 2)


def test_augmented_images_of_either_kind_are_taken(
    run: Path, model: Path, prepared: Prepared, images_nhwc: torch.Tensor
) -> None:
    for form in (run, model):
        whole = _answer(prepared, form)(images_nhwc)
        torch.testing.assert_close(_answer(prepared, form)(images_nhwc.float() + 0.2), whole, atol=0.5, rtol=0)


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_the_loss_is_that_of_labels_and_teacher_by_weight(weight: float) -> None:
    logits, teacher, labels = torch.randn(6, 10), torch.randn(6, 10), torch.arange(6)
    wanted = Teacher(models=["any"], temperature=2.0, weight=weight)
    objective = ClassificationObjective(10, Loss(label_smoothing=0.1), CPU, wanted)
    found = objective.mean_loss(logits, Batch(torch.empty(6), labels, teacher_nk=teacher))
    own = F.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(found, (1 - weight) * own + weight * divergence(logits, teacher, 2.0))


def test_a_student_ends_elsewhere_than_it_would_alone(run: Path, tmp_path: Path, data_root: Path) -> None:
    taught = _recipe(run, epochs=1)
    train(taught, tmp_path / "taught", root=data_root)
    train(taught.model_copy(update={"teacher": None}), tmp_path / "alone", root=data_root)
    weights = (checkpoint.read(tmp_path / name).weights["network.0.weight"] for name in ("taught", "alone"))
    assert not torch.equal(*weights)


@pytest.mark.parametrize(
    "augmentation", [{"augment.translate": 0.1}, {"augment.mixup": 0.4}, {"progressive.start": 0.7}]
)
def test_stopped_and_resumed_it_ends_in_the_same_bits(
    run: Path, tmp_path: Path, data_root: Path, augmentation: dict[str, float]
) -> None:
    recipe = _recipe(run, **augmentation)
    train(recipe, tmp_path / "whole", root=data_root)
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "stopped", root=data_root, should_stop=lambda: next(asked) == 7)
    train(recipe, tmp_path / "stopped", root=data_root, resume=True)
    assert (tmp_path / "stopped" / LAST).read_bytes() == (tmp_path / "whole" / LAST).read_bytes()


def test_validation_knows_no_teacher(run: Path, tmp_path: Path, data_root: Path) -> None:
    """Its loss is the cross entropy of the labels."""
    recipe = _recipe(run, epochs=1)
    outcome = train(recipe, tmp_path / "run", root=data_root)
    validation = prepare(recipe, data_root).validation
    logits = torch.from_numpy(open_classifier(tmp_path / "run").logits(validation.images_nhwc))
    expected = F.cross_entropy(logits, torch.from_numpy(validation.targets)).item()
    assert outcome.last.validation["loss"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data.groups": {"round": ["0", "6"], "straight": ["1", "7"]}},
            r"teacher.models: .* tells 0, 1, 2 and 7 more apart; here it is round, straight\. Take a model",
        ),
        ({"data.size": 16}, r"takes images of 28x28 in 1 channel; here they are 16x16 in 1 channel\. Take a model"),
    ],
)
def test_a_teacher_of_something_else_is_refused(
    run: Path, tmp_path: Path, data_root: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        train(_recipe(run, **changes), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_is_not_there_is_a_message(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(CheckpointError, match="no such run or checkpoint"):
        train(_recipe(tmp_path / "gone.safetensors"), tmp_path / "run", root=data_root)
    with pytest.raises(EdgecnnError, match="gone"):
        train(_recipe(tmp_path / "gone"), tmp_path / "run", root=data_root)


def test_one_model_needs_no_brackets() -> None:
    recipe = read("digits-compact", {"teacher.models": "runs/a"})
    assert recipe.teacher == Teacher(models=["runs/a"], temperature=4.0, weight=0.9, mirrored=False)


def test_a_teacher_without_a_model_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"teacher\.models is missing"):
        read("digits-compact", {"teacher.weight": 0.5})


def test_a_detector_has_no_teacher(tmp_path: Path) -> None:
    from edgecnn.tasks.detection import objective

    with pytest.raises(RecipeError, match="is for classifiers, and this recipe trains a detector"):
        objective(read("digit-finder", {"teacher.models": "a"}), 1, CPU)


def test_the_card_names_teachers_without_their_folders(run: Path, tmp_path: Path, data_root: Path) -> None:
    train(_recipe(run, epochs=1), tmp_path / "run", root=data_root)
    assert public_recipe(checkpoint.read(tmp_path / "run"))["teacher"]["models"] == [run.name]


VIEWS = {
    "teacher.views": 2,
    "epochs": 4,
    "augment.translate": 0.1,
    "augment.flip": "alternating",
    "augment.cutmix": 1.0,
}


def test_views_come_round_and_are_answered_once(run: Path, tmp_path: Path, data_root: Path) -> None:
    """The third epoch shows the first one's images, and the teacher is not asked again."""
    recipe = _recipe(run, **VIEWS)
    loop = Loop(recipe, tmp_path, CPU, prepare(recipe, data_root))
    asked: list[torch.Tensor] = []
    teacher = loop.answers.answer
    loop.answers.answer = lambda images: asked.append(images) or teacher(images)
    seen: list[Batch] = []
    mean_loss = loop.objective.mean_loss
    loop.objective = SimpleNamespace(
        tally=loop.objective.tally,
        loss_sum=loop.objective.loss_sum,
        mean_loss=lambda answers, batch: seen.append(batch) or mean_loss(answers, batch),
    )
    loop.run_to_end(lambda progress: None, lambda row: None, lambda: False)
    assert len(asked) == 2 * loop.steps
    first, second, third, _ = (seen[at : at + loop.steps] for at in range(0, 4 * loop.steps, loop.steps))
    assert all(torch.equal(before.images_nhwc, after.images_nhwc) for before, after in zip(first, third, strict=True))
    assert all(torch.equal(before.teacher_nk, after.teacher_nk) for before, after in zip(first, third, strict=True))
    assert not any(
        torch.equal(before.images_nhwc, after.images_nhwc) for before, after in zip(first, second, strict=True)
    )


@pytest.mark.parametrize(
    "more", [{}, {"progressive.start": 0.7, "network.parameters": {"filters": [4], "dropout": 0.5}}]
)
@pytest.mark.parametrize("stop", [3, 9, 17])
def test_kept_answers_end_in_the_same_bits_wherever_it_was_stopped(
    run: Path, once: Any, tmp_path: Path, data_root: Path, stop: int, more: dict[str, Any]
) -> None:
    """Also where the answers were lost with the process, or later from the folder."""
    recipe = _recipe(run, **VIEWS | more)
    whole = once(f"views-{len(more)}", lambda path: train(recipe, path, root=data_root))
    asked = iter(range(1000))
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "run", root=data_root, should_stop=lambda: next(asked) == stop)
    if stop == 17:
        (tmp_path / "run" / "teacher-000.npy").write_bytes(b"broken")
        (tmp_path / "run" / "teacher-001.npy").unlink()
    train(recipe, tmp_path / "run", root=data_root, resume=True)
    assert (tmp_path / "run" / LAST).read_bytes() == (whole / LAST).read_bytes()


def test_kept_answers_are_those_of_the_teacher(run: Path, tmp_path: Path, data_root: Path) -> None:
    """Without augmentation, to three digits."""
    recipe = _recipe(run, **{"teacher.views": 1})
    train(recipe, tmp_path / "run", root=data_root)
    images = prepare(recipe, data_root).train.images_nhwc
    expected = open_classifier(run).logits(images)
    np.testing.assert_allclose(np.load(tmp_path / "run" / "teacher-000.npy"), expected, atol=0.01, rtol=2e-3)

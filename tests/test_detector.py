"""A detector from checkpoint to file: the same boxes, scores and crops as in PyTorch, on frames of any size."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from edgecnn_cli.verify import show
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torchvision.ops import nms, roi_align

from edgecnn import checkpoint, files, load, load_detector
from edgecnn.bench import bench
from edgecnn.boxes import CROP_MARGIN
from edgecnn.card import DatasetRecord, ImageInput, Score
from edgecnn.checkpoint import Checkpoint, PixelClassifier, build_classifier
from edgecnn.data import npz
from edgecnn.data.boxes import Boxes
from edgecnn.digits.pages import digit_pages
from edgecnn.digits.pages.digit_pages import Pages
from edgecnn.errors import CardError, CheckpointError, EdgecnnError, ImageError, ParityError
from edgecnn.export import export
from edgecnn.onnx_file import LEVELS
from edgecnn.quantize import quantize
from edgecnn.recipes.read import read
from edgecnn.runtime.detector import Detections, Detector
from edgecnn.runtime.load import load_model
from edgecnn.runtime.selftest import selftest
from edgecnn.tasks._detection import comparison as detection
from edgecnn.tasks._detection import export as detection_export
from edgecnn.tasks._detection import graph
from edgecnn.tasks._detection.comparison import DetectionComparison, compare_on, f1_shares
from edgecnn.tasks._detection.examples import PAGES
from edgecnn.tasks._detection.examples import read as read_boxes
from edgecnn.tasks._detection.learning import decode
from edgecnn.tasks._detection.matching import match
from edgecnn.verify import verify
from edgecnn.verify.apart import Apart
from edgecnn.verify.gate import POWER, judge

PAGE = ImageInput(160, 160, 1)


def untrained(logit: float = 0.0) -> Checkpoint:
    """A detector whose weights are drawn, and whose confidence is everywhere what ``logit`` says."""
    torch.manual_seed(1)
    recipe = read("digit-finder", {"network.parameters": {"widths": [4, 8, 12, 16]}})
    classifier = build_classifier(recipe, PAGE, 1)
    classifier.network.maps.bias.data[0] = logit
    for norm in (layer for layer in classifier.modules() if isinstance(layer, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 1.5)
    return Checkpoint(
        recipe=recipe,
        labels=("digit",),
        input=PAGE,
        dataset=DatasetRecord("digit-pages", 1, 1, 0),
        epoch=1,
        figures={"f1": 0.5},
        versions={},
        weights=classifier.state_dict(),
        golden_images_nhwc=torch.from_numpy(frame(0, 160, 160)[None]),
    )


def frame(seed: int, height: int, width: int) -> np.ndarray:
    """Smooth blobs: uint8 (H, W, 1)."""
    noise = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(seed))
    return (F.interpolate(noise, (height, width), mode="bicubic").clamp(0, 1) * 255).byte()[0, 0, ..., None].numpy()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint and the file that was exported from it."""
    folder = tmp_path_factory.mktemp("detector")
    checkpoint.write(folder / "own.safetensors", untrained())
    export(folder / "own.safetensors", folder / "detector.onnx", root=folder)
    return folder


@pytest.fixture(scope="module")
def detector(made: Path) -> Detector:
    return load_detector(made / "detector.onnx")


def in_pytorch(classifier: PixelClassifier, frame_hwc: np.ndarray) -> Detections:
    """Do what the file says it does."""
    image = torch.from_numpy(frame_hwc)[None].permute(0, 3, 1, 2).float()
    whole = torch.tensor(image.shape[2:])
    shrink = min(graph.LONGEST / max(whole.tolist()), 1.0)
    size = [max(1, round(float(side) * shrink / 16)) * 16 for side in whole]
    level_image, boxes, scores, halves = F.interpolate(image, size, mode="bilinear", antialias=True), [], [], [image]
    for level in range(LEVELS):
        if level:
            level_image = F.avg_pool2d(level_image, 2)
            halves.append(level_image)
            down, right = (-side % 16 for side in level_image.shape[2:])
            level_image = F.pad(level_image, (0, right, 0, down), mode="replicate")
        found, sure = decode(classifier(level_image.permute(0, 2, 3, 1)), graph.PEAKS, window=graph.PEAK_WINDOW)
        factor = whole / torch.tensor(size) * 2**level
        boxes.append(found[0] * factor.flip(0).repeat(2))
        enough = found[0, :, 2:].amax(1) >= (graph.SMALLEST if level else 0)
        scores.append(sure[0] * enough)
    all_boxes, all_scores = torch.cat(boxes), torch.cat(scores)
    corners = torch.cat((all_boxes[:, :2], all_boxes[:, :2] + all_boxes[:, 2:]), 1)
    sure = all_scores > graph.THRESHOLD
    corners, all_scores, all_boxes = corners[sure], all_scores[sure], all_boxes[sure]
    kept = nms(corners, all_scores, graph.OVERLAP)[: graph.DETECTIONS]
    reach = all_boxes[kept, 2:].max(1, keepdim=True).values * CROP_MARGIN / 2
    center = all_boxes[kept, :2] + all_boxes[kept, 2:] / 2
    squares = torch.cat((center - reach, center + reach), 1)
    to_frame = (whole / torch.tensor(size)).flip(0).repeat(2)
    pixels = 2 * reach[:, 0] / 28 / to_frame.max()
    crops = torch.empty(len(kept), 1, 28, 28)
    for level, half in enumerate(halves[: graph.CUT_FROM]):
        own = pixels.clamp(1).log2().floor().clamp(max=graph.CUT_FROM - 1) == level
        its = squares[own] / (to_frame * 2**level if level else 1)
        crops[own] = roi_align(half, [its], 28, sampling_ratio=-1, aligned=True)
    return Detections(
        all_boxes[kept].numpy(), all_scores[kept].numpy(), crops.round().byte().permute(0, 2, 3, 1).numpy()
    )


# Sizes with fewer detections than a file returns: of the last ones, equally likely, either may be left out.
@pytest.mark.parametrize("size", [(160, 160), (128, 240), (100, 333), (90, 700)])
@torch.no_grad()
def test_file_detects_what_pytorch_detects(detector: Detector, size: tuple[int, int]) -> None:
    image = frame(3, *size)
    found, wanted = detector.detect(image), in_pytorch(untrained().build(), image)
    assert 3 < len(wanted) < graph.DETECTIONS
    nearest = np.abs(wanted.boxes_m4[:, None] - found.boxes_m4).sum(2).argmin(1)
    same = (
        (np.abs(found.boxes_m4[nearest] - wanted.boxes_m4).max(1) < 0.05)
        & (np.abs(found.scores_m[nearest] - wanted.scores_m) < 1e-4)
        & (np.abs(found.crops_mhwc[nearest].astype(int) - wanted.crops_mhwc).max((1, 2, 3)) <= 1)
    )
    # Where two overlap by just about what merges them, the last digit of a float decides which one stays.
    assert abs(len(found) - len(wanted)) <= 1
    assert same.mean() > 0.97


@pytest.mark.parametrize(
    "frame",
    [
        [[1, 2], [3, 4]],
        np.zeros(5, np.uint8),
        np.zeros((0, 5, 1), np.uint8),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros((9, 9)),
    ],
)
def test_what_is_no_frame_is_refused(detector: Detector, frame) -> None:
    with pytest.raises(ImageError, match="a frame "):
        detector.detect(frame)


@given(height=st.integers(1, 700), width=st.integers(1, 700))
@settings(max_examples=40)
def test_any_size_is_taken(detector: Detector, height: int, width: int) -> None:
    detected = detector.detect(np.full((height, width), 128, np.uint8))
    assert detected.boxes_m4.shape == (len(detected), 4)
    assert detected.crops_mhwc.shape == (len(detected), 28, 28, 1)
    assert (np.diff(detected.scores_m) <= 0).all()


def test_nothing_found_is_no_rows(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "own.safetensors", untrained(logit=-20.0))
    exported = export(tmp_path / "own.safetensors", tmp_path / "detector.onnx", root=tmp_path)
    detected = load_detector(exported.path).detect(frame(3, 200, 300))
    assert (len(detected), detected.boxes_m4.shape, detected.crops_mhwc.shape) == (0, (0, 4), (0, 28, 28, 1))


def test_color_frames_become_gray(detector: Detector) -> None:
    gray = frame(5, 120, 160)
    assert np.array_equal(detector.detect(gray).scores_m, detector.detect(np.repeat(gray, 3, 2), bgr=True).scores_m)


def test_file_tests_itself(detector: Detector) -> None:
    assert detector.card.task == "detection"
    assert selftest(detector).passed


def test_changed_file_fails_its_self_test(made: Path) -> None:
    model = onnx.load(made / "detector.onnx")
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("maps.weight"))
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 1.5, tensor.name))
    assert not selftest(load_detector(model.SerializeToString())).passed


def test_a_detector_is_no_classifier_nor_the_other_way(made: Path, model: Path) -> None:
    with pytest.raises(CardError, match=r"detector\.onnx: is for detection; a model for classification was expected\."):
        load(made / "detector.onnx")
    with pytest.raises(CardError, match="is for classification; a model for detection was expected"):
        load_detector(model)
    assert isinstance(load_model(made / "detector.onnx"), Detector)
    assert not isinstance(load_model(model), Detector)


def test_maps_that_differ_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.write(tmp_path / "own.safetensors", untrained())
    monkeypatch.setattr(detection_export, "MAP_TOLERANCE", -1.0)
    with pytest.raises(ParityError, match="maps differ from PyTorch's by"):
        export(tmp_path / "own.safetensors", tmp_path / "detector.onnx", root=tmp_path)
    assert not list(tmp_path.glob("*.onnx"))


def test_same_checkpoint_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = export(made / "own.safetensors", tmp_path / "detector.onnx", root=made).path
    assert again.read_bytes() == (made / "detector.onnx").read_bytes()


# On pages


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, detector: Detector) -> Pages:
    """Pages on which this detector is right: what it detects is what is said to be there."""
    images = np.stack([frame(seed, 160, 160)[..., 0] for seed in range(24)])
    detected = [detector.detect(image).boxes_m4 for image in images]
    most = max(len(boxes) for boxes in detected)
    boxes = np.stack([np.pad(found, ((0, most - len(found)), (0, 0))) for found in detected])
    labels = np.where(boxes[..., 2] > 0, 3, -1).astype(np.int8)
    made = Pages(images, boxes, labels, np.zeros(labels.shape, bool))
    monkeypatch.setattr(digit_pages, "read", lambda root, part: made)
    return made


def compared(detector: Detector, max_drop_pp: float) -> DetectionComparison:
    boxes = read_boxes(PAGES, "validation", None)
    return compare_on(boxes, detector, detector, max_drop_pp, dataset=PAGES, split="validation")


def test_a_detector_that_detects_everything_scores_one(detector: Detector, pages: Pages) -> None:
    comparison = compared(detector, 1.0)
    scores = comparison.reference
    assert (scores.f1, scores.false_negatives, scores.false_positives) == (1.0, 0, 0)
    assert comparison.objects == pages.is_digit.sum() > 20
    assert comparison.drop_pp == 0
    assert comparison.drop_pp_ci95 == pytest.approx((-13.797, 13.797), abs=1e-3)  # all that 24 pages show
    assert (comparison.verdict, comparison.images_needed, comparison.passed) == ("undecided", 381, False)


def test_as_many_pages_as_are_needed_decide_in_four_of_five_cases() -> None:
    """Pages drawn from those that were seen, again and again."""
    rng = np.random.default_rng(0)
    one = rng.poisson((4.0, 0.5, 1.0), (300, 3))
    moved = np.where(rng.random((300, 1)) < 0.1, (-1, 0, 1), (0, 0, 0)) * np.minimum(one[:, :1], 1)
    shares = f1_shares(one) - f1_shares(one + moved)
    limit_pp = float(shares.mean()) * 100 + 1
    count = detection._needed(shares, limit_pp)
    assert count is not None
    ends = [detection.interval_pp(rng.choice(shares, count), count) for _ in range(1000)]
    assert np.mean([judge(found, limit_pp) == "within" for found in ends]) == pytest.approx(POWER, abs=0.06)


def test_pages_are_judged_slice_by_slice(
    made: Path, pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The candidate detects nothing on the pages of one slice."""
    file, table = str(made / "detector.onnx"), tmp_path / "slices.csv"
    table.write_text("index,slice\n" + "".join(f"{page},{'dark' if page < 8 else 'light'}\n" for page in range(24)))
    counted, seen = detection.count_detections, []

    def blind(detector: Detector, boxes: Boxes) -> np.ndarray:
        found = counted(detector, boxes)
        seen.append(found.copy())
        if len(seen) == 2:
            found[:8] = np.stack([0 * found[:8, 0], 0 * found[:8, 0], found[:8, 0] + found[:8, 2]], 1)
        return found

    monkeypatch.setattr(detection, "count_detections", blind)
    apart = Apart(slices=table, max_slice_drop_pp=10)
    found = detection.compared(file, file, dataset=None, root=None, split="test", max_drop_pp=80, apart=apart)
    dark, light = found.by_slice.parts
    assert (dark.images, dark.reference_score, dark.candidate_score, dark.drop_pp) == (8, 1, 0, 100)
    assert (light.images, light.drop_pp, light.verdict) == (16, 0, "undecided")
    assert dark.flip_counts.harmful == found.flip_counts.harmful == int((seen[0][:8, 0] > 0).sum())
    assert (dark.verdict, found.by_slice.verdict, found.verdict, found.passed) == ("beyond", "beyond", "beyond", False)
    assert [table.columns[0] for table in found.tables()] == ["", "slice"]


def test_a_detector_has_no_classes_to_judge(made: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"without classes\. Leave out --max-class-drop-pp; --slice judges images"):
        verify(made / "detector.onnx", made / "detector.onnx", max_class_drop_pp=1.0)


def test_shares_of_the_pages_have_f1_as_their_mean() -> None:
    counts = np.array([[3, 0, 1], [0, 2, 0], [5, 1, 1], [0, 0, 0]])
    assert f1_shares(counts).mean() == pytest.approx(16 / 21)


def test_shares_of_the_pages_spread_as_f1_does() -> None:
    """Against drawing the pages again and again."""
    rng = np.random.default_rng(0)
    counts = rng.poisson((4.0, 0.5, 1.0), (400, 3))
    other = counts.copy()
    other[rng.random(400) < 0.1] += (-1, 0, 1)
    shares = f1_shares(counts) - f1_shares(np.maximum(other, 0))
    draws = rng.integers(0, 400, (4000, 400))
    f1 = [
        [2 * c[0] / (2 * c[0] + c[1] + c[2]) for c in (each[draw].sum(0) for draw in draws)]
        for each in (counts, np.maximum(other, 0))
    ]
    assert shares.std() / 20 == pytest.approx(np.subtract(*f1).std(), rel=0.1)


def test_the_cards_figure_is_that_of_the_file_on_the_pages(
    made: Path, pages: Pages, detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the pages are said to be empty, so what is found there is false: the network in training had 0.5."""
    halved = replace(pages, labels=np.where(np.arange(len(pages))[:, None] % 2, pages.labels, -1).astype(np.int8))
    npz.write(tmp_path / "root" / "digit-pages" / "test.npz", asdict(halved))
    monkeypatch.setattr(digit_pages, "read", lambda root, part: halved)
    expected = compared(detector, 0.0).reference.f1
    monkeypatch.undo()  # the pages lie in a data root now
    exported = export(made / "own.safetensors", tmp_path / "f.onnx", root=tmp_path / "root")
    assert load_detector(exported.path).card.metrics == [Score("validation", 24, "f1", expected)]
    assert 0.55 < expected < 0.95


def test_a_detector_that_was_measured_on_nothing_has_no_figure(detector: Detector) -> None:
    assert detector.card.metrics == []


def test_finds_are_matched_best_first_and_each_digit_once() -> None:
    digits = np.array([[10, 10, 20, 20], [60, 60, 20, 20]], np.float32)
    unread = np.array([[100, 100, 30, 30]], np.float32)
    found = np.array([[11, 10, 20, 20], [9, 10, 20, 20], [101, 100, 30, 30], [140, 10, 9, 9]], np.float32)
    assert match(found, digits, unread).counts == (1, 2, 1)
    assert match(found[:0], digits, unread).counts == (0, 0, 2)
    assert match(found, digits[:0], unread[:0]).counts == (0, 4, 0)


@pytest.mark.slow
def test_quantized_detector_is_measured_against_its_parent(made: Path, pages: Pages, tmp_path: Path, capsys) -> None:
    out = tmp_path / "int8.onnx"
    result = quantize(made / "detector.onnx", out, method="static", max_drop_pp=100, seconds=0.1)
    assert result.output_form == result.candidates[0].form == "int8-static"
    assert result.parent_validation_score == 1.0
    assert 0.3 < result.candidates[0].validation_score <= 1.0
    card = load_detector(out).card
    assert (card.form, card.task, card.parent_sha256) == (
        "int8-static",
        "detection",
        files.sha256(made / "detector.onnx"),
    )
    operators = {node.op_type for node in onnx.load(out).graph.node}
    assert "QuantizeLinear" in operators
    assert selftest(load_detector(out)).passed
    show(verify(made / "detector.onnx", out, max_drop_pp=100))
    shown = capsys.readouterr().out
    assert "objects on 24 images" in shown
    assert "passed: F1 drops by" in shown


def test_a_detector_has_no_dense_form(made: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"has no dense layer to quantize\. Use --method static or fp16 or mixed\."):
        quantize(made / "detector.onnx", made / "dense.onnx", method="dense")


@pytest.mark.parametrize(
    ("stage", "arguments", "message"),
    [
        (export, {"dataset": "mnist"}, "was made for digit-pages, not for mnist"),
        (export, {"calibrated": True}, "Leave out --calibrate and --data"),
        (quantize, {"dataset": "mnist"}, "Leave out --data"),
        (verify, {"dataset": "mnist"}, "Leave out --data and --split"),
        (verify, {"split": "validation"}, "Leave out --data and --split"),
    ],
)
def test_what_detectors_have_no_use_for_is_refused(
    made: Path, stage, arguments: dict[str, object], message: str
) -> None:
    given = made / ("own.safetensors" if stage is export else "detector.onnx")
    with pytest.raises(EdgecnnError, match=message):
        stage(given, made / ("detector.onnx" if stage is verify else "new.onnx"), **arguments)
    assert not (made / "new.onnx").exists()


def test_a_detectors_checkpoint_is_to_be_exported_first(made: Path) -> None:
    with pytest.raises(CheckpointError, match=r"First: edgecnn export .*own\.safetensors"):
        verify(made / "own.safetensors", made / "detector.onnx")


@pytest.mark.slow
def test_bench_times_a_detector_on_a_camera_frame(made: Path) -> None:
    report = bench([made / "detector.onnx"], batches=(1,), threads=(1,), seconds=0.1)
    assert report.contenders[0].p50_ms > 0

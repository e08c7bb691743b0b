"""What a file, and what lies beside it, tells of its labels and its preprocessing; what contradicts itself is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from theirs import classifier

from edgecnn.adopt.known import known_of
from edgecnn.adopt.labels import labels_of
from edgecnn.adopt.source import read
from edgecnn.errors import EdgecnnError

NAMES = {index: f"kind {index}" for index in range(10)}
LABELS = tuple(NAMES.values())


def found(folder: Path, metadata: dict[str, str] | None = None, **files: Any) -> Any:
    """Return what is known of a file with these metadata and these files beside it."""
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return known_of(read(classifier(folder / "theirs.onnx", metadata=metadata)))


def test_nothing_is_known_of_a_bare_file(tmp_path: Path) -> None:
    known = found(tmp_path)
    assert (known.said.names(), known.sources, known.remarks) == ([], {}, ())


def test_ultralytics_metadata(tmp_path: Path) -> None:
    metadata = {"author": "Ultralytics", "task": "classify", "imgsz": "[28, 28]", "names": repr(NAMES)}
    said = found(tmp_path, metadata).said
    assert (said.labels, said.scale, said.mean, said.std, said.size) == (LABELS, 1 / 255, (0.0,), (1.0,), (28, 28))


@pytest.mark.parametrize(
    ("metadata", "name", "value"),
    [
        ({"names": repr(NAMES)}, "labels", LABELS),
        ({"names": json.dumps(list(LABELS))}, "labels", LABELS),
        ({"names": "{0: 'a', 2: 'b'}"}, "labels", None),
        ({"names": "__import__('os').system('true')"}, "labels", None),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, "scale", 1.0),
        ({"Image.NominalPixelRange": "Normalized_0_1"}, "scale", 1 / 255),
        ({"Image.NominalPixelRange": "Normalized_1_1"}, "mean", (1.0,)),
        ({"Image.NominalPixelRange": "NominalRange_16_235"}, "scale", None),
        ({"Image.BitmapPixelFormat": "Bgr8"}, "bgr", True),
        ({"Image.BitmapPixelFormat": "Rgb8"}, "bgr", False),
    ],
)
def test_metadata_of_the_standard(tmp_path: Path, metadata: dict[str, str], name: str, value: object) -> None:
    assert getattr(found(tmp_path, metadata).said, name) == value


def test_hugging_face(tmp_path: Path) -> None:
    known = found(
        tmp_path,
        config__json={"id2label": {str(place): label for place, label in NAMES.items()}},
        preprocessor_config__json={
            "do_rescale": True, "rescale_factor": 0.00392156862745098, "do_normalize": True, "image_mean": [0.5],
            "image_std": [0.25], "size": {"height": 28, "width": 28},
        },
    )  # fmt: skip
    said = known.said
    assert said.labels == LABELS
    assert (said.scale, said.mean, said.std, said.size) == (pytest.approx(1 / 255), (0.5,), (0.25,), (28, 28))
    assert known.sources["labels"] == "10 labels: kind 0, kind 1, kind 2, … (config.json beside it)"


def test_hugging_face_in_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {str(n): label for n, label in NAMES.items()}}))
    assert found(tmp_path / "onnx").said.labels == LABELS


@pytest.mark.parametrize(
    ("config", "scale", "mean"),
    [
        ({"image_mean": [0.5], "image_std": [0.5]}, 1 / 255, (0.5,)),
        ({"do_rescale": False, "do_normalize": False}, 1.0, (0.0,)),
        ({"do_normalize": False, "do_flip_channel_order": True}, 1 / 255, (0.0,)),
    ],
)
def test_what_hugging_face_leaves_out_has_its_default(tmp_path: Path, config: Any, scale: float, mean: Any) -> None:
    said = found(tmp_path, preprocessor_config__json=config).said
    assert (said.scale, said.mean) == (scale, mean)
    assert said.bgr is (True if "do_flip_channel_order" in config else None)


def test_timm(tmp_path: Path) -> None:
    cfg = {"input_size": [1, 28, 28], "mean": [0.3], "std": [0.6], "crop_pct": 0.875, "interpolation": "bicubic"}
    known = found(tmp_path, config__json={"pretrained_cfg": cfg, "label_names": list(LABELS)})
    said = known.said
    assert (said.labels, said.scale, said.mean, said.std, said.size) == (LABELS, 1 / 255, (0.3,), (0.6,), (28, 28))
    assert "cropped to 87.5%" in known.remarks[0]


def test_a_size_that_is_not_the_files_is_told_and_not_taken(tmp_path: Path) -> None:
    known = found(tmp_path, config__json={"pretrained_cfg": {"input_size": [1, 224, 224], "mean": [0.5], "std": [0.5]}})
    assert known.said.size is None
    assert (
        "it was made for 224x224 (config.json beside it, timm's pretrained_cfg), and takes input: float"
        in (known.remarks[-1])
    )


@pytest.mark.parametrize(
    "text",
    ["".join(f"{place} {label}\n" for place, label in NAMES.items()), "\r\n".join(LABELS)],
    ids=["numbered", "bare"],
)
def test_labels_of_teachable_machine(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, labels__txt=text).said.labels == LABELS


def test_metadata_go_before_a_text_file(tmp_path: Path) -> None:
    assert found(tmp_path, {"names": repr(NAMES)}, labels__txt="a\nb\n").said.labels == LABELS


def test_what_two_places_tell_differently_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"labels: config\.json beside it has 2 labels: a, b, and 10 labels: kind 0"):
        found(tmp_path, {"names": repr(NAMES)}, config__json={"id2label": {"0": "a", "1": "b"}})


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"id2label": 3}', '{"pretrained_cfg": {"mean": "x", "input_size": 1}}']
)
def test_a_broken_file_beside_it_tells_nothing_wrong(tmp_path: Path, content: str) -> None:
    said = found(tmp_path, config__json=content, preprocessor_config__json="nonsense").said
    assert said.labels is None
    assert said.mean is None


def test_labels_are_read_as_they_are_said(tmp_path: Path) -> None:
    for name, content in (("l.txt", "a\nb\n"), ("l.json", '["a", "b"]'), ("m.json", '{"1": "b", "0": "a"}')):
        (tmp_path / name).write_text(content)
        assert labels_of(str(tmp_path / name)) == ("a", "b")
    assert labels_of("a, b") == ("a", "b")
    assert labels_of("0..9") == tuple("0123456789")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.txt", None, "cannot be read"),
        ("one.txt", b"a\n", "has 1 labels; expected 2"),
        ("latin.txt", b"caf\xe9\nb\n", "is no text in UTF-8"),
        ("broken.json", b"{", "is no JSON"),
        ("other.json", b'{"a": 0}', "expected a list of labels"),
    ],
)
def test_labels_that_cannot_be_read_are_told(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgecnnError, match=said):
        labels_of(str(tmp_path / name))

"""Models as C99: the source, what a compiler makes of it, its answers beside ONNX Runtime's, and what is refused."""

import ctypes
import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edgecnn import zoo
from edgecnn.embed import embed
from edgecnn.embed.targets import _emx, _integers
from edgecnn.errors import EmbedError, MissingPackageError
from edgecnn.runtime.classifier import load

pytest.importorskip("emx_onnx_cgen")

MODELS = ("mnist-small", "mnist-compact")
STRICT = "-O1 -Werror"
SANITIZED = f"{STRICT} -g -fsanitize=address,undefined -fno-sanitize-recover=all"
ARM = "-O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Werror"
helper = onnx.helper


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def needs(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


@dataclass(frozen=True)
class Project:
    """A project that was written and not built."""

    model: str
    folder: Path

    def built(self, folder: Path, flags: str = STRICT) -> Path:
        """Build a copy's self-test, and return the copy."""
        needs("make", "cc")
        copy = shutil.copytree(self.folder, folder)
        made = run("make", "selftest", f"CFLAGS={flags}", cwd=copy)
        assert made.returncode == 0, made.stderr
        return copy


@pytest.fixture(scope="session", params=MODELS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(request.param, embed(request.param, "c99", tmp_path_factory.mktemp("c99") / "app").folder)


def sanitized() -> str:
    with TemporaryDirectory() as place:
        (Path(place) / "nothing.c").write_text("int main(void) { return 0; }\n")
        if run("cc", *SANITIZED.split(), "nothing.c", "-o", "nothing", cwd=Path(place)).returncode:
            pytest.skip("cc has no sanitizers here")
    return SANITIZED


@pytest.mark.slow
def test_the_golden_images_pass_under_sanitizers(project: Project, tmp_path: Path) -> None:
    needs("cc")
    result = run("./selftest", cwd=project.built(tmp_path / "app", sanitized()))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("passed: 20 golden images, the same labels, largest log-probability gap ")


@pytest.mark.parametrize("changed", ["the first layer's weights", "the last layer's bias"])
def test_a_changed_weight_is_noticed(project: Project, changed: str, tmp_path: Path) -> None:
    app = shutil.copytree(project.folder, tmp_path / "changed")
    source = (app / "model.c").read_text()
    if changed == "the last layer's bias":
        before = r"(weight\d+_classifier_network_23_bias_\w*\[10\] = \{\s+)\S+,"
        damaged, count = re.subn(before, r"\g<1>9.0f,", source)
    else:
        before = r"(weight\d+_classifier_network_0_weight(?:_quantized)?_\d+\[\d+\]\[1\]\[3\]\[3\] = )\{.*?\};"
        damaged, count = re.subn(before, r"\1{0};", source, flags=re.S)
    assert count == 1
    (app / "model.c").write_text(damaged)
    # A braced zero for an array of arrays is right C99, of which older compilers warn.
    result = run("./selftest", cwd=Project(project.model, app).built(tmp_path / "app", "-O1"))
    assert result.returncode == 1
    assert result.stdout.startswith("FAILED: 20 golden images, ")


def answers(folder: Path, images_nhwc: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """Return the probabilities that the source gives, as a library in this process."""
    needs("cc")
    made = run("cc", "-std=c99", "-O1", "-shared", "-fPIC", "model.c", "-lm", "-o", "model.so", cwd=folder)
    assert made.returncode == 0, made.stderr
    library = ctypes.CDLL(str(folder / "model.so"))
    probabilities_nk = np.empty((len(images_nhwc), classes), np.float32)
    for image, row in zip(images_nhwc, probabilities_nk, strict=True):
        library.model_run(
            np.ascontiguousarray(image).ctypes.data_as(ctypes.c_void_p), row.ctypes.data_as(ctypes.c_void_p)
        )
    return probabilities_nk


def test_it_answers_as_onnx_runtime_does(project: Project, tmp_path: Path) -> None:
    classifier = load(project.model)
    draw = np.random.default_rng(0)
    golden = classifier.card.golden.images_nhwc
    noise = draw.integers(0, 256, (30, *golden.shape[1:]), np.uint8)
    mixed = np.concatenate([golden, np.roll(golden, 3, axis=1), golden // 2, 255 - golden, noise])
    found_nk = answers(shutil.copytree(project.folder, tmp_path / "app"), mixed, len(classifier.labels))
    expected_nk = np.concatenate([classifier.probabilities(image[None]) for image in mixed])
    assert (found_nk.argmax(1) == expected_nk.argmax(1)).all()
    np.testing.assert_allclose(found_nk, expected_nk, atol=1e-4)


def test_the_source_needs_nothing(project: Project) -> None:
    names = {path.name for path in project.folder.iterdir()}
    assert names == {
        "Makefile", "README.md", "card.json", "cortex_m.c", "cortex_m.ld",
        "golden.h", "model.c", "model.h", "selftest.c",
    }  # fmt: skip
    source = (project.folder / "model.c").read_text()
    included = set(re.findall(r"#include (\S+)", source))
    assert included <= {'"model.h"', "<float.h>", "<limits.h>", "<math.h>", "<stdint.h>", "<string.h>"}
    assert not re.search(r"\b(malloc|calloc|free|fopen|printf|alloca)\b", source)
    assert "golden" not in source
    assert max(map(len, source.splitlines())) < 1_000


def test_only_one_function_is_seen_and_the_readme_counts_the_memory(project: Project, tmp_path: Path) -> None:
    needs("cc", "nm", "size")
    folder = shutil.copytree(project.folder, tmp_path / "app")
    made = run("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-c", "model.c", cwd=folder)
    assert made.returncode == 0, made.stderr
    visible = re.findall(r" [A-TV-Z] (\w+)", run("nm", "model.o", cwd=folder).stdout)
    assert visible == ["model_run"]
    text, data, bss = map(int, run("size", "model.o", cwd=folder).stdout.splitlines()[1].split()[:3])
    readme = (folder / "README.md").read_text(encoding="utf-8")
    flash, ram = (int(re.search(rf"\| {kind} \| ([\d,]+) \|", readme)[1].replace(",", "")) for kind in ("flash", "RAM"))
    assert data == 0
    assert 0 <= bss - ram <= 200  # logits, and gaps for alignment
    assert flash < text < flash + 20_000


def test_int8_weights_stay_int8_and_buffers_share_memory() -> None:
    model = onnx.load(zoo.find("mnist-compact"))
    ready = _integers.ready(model, "mnist-compact")
    kinds = [node.op_type for node in ready.graph.node]
    assert kinds.count("QLinearConv") == 6
    assert "Conv" not in kinds
    source = _emx.source(ready, "mnist-compact")
    assert source.constants < 80_000
    assert source.buffers < 40_000  # the generator's own: 737 kB, and 105 kB with integer operators


def test_buffers_that_are_needed_together_never_overlap() -> None:
    draw = np.random.default_rng(0)
    for _ in range(50):
        first = draw.integers(0, 20, 30)
        last = first + draw.integers(0, 6, 30)
        kinds = draw.choice(["float", "uint8_t"], 30)
        buffers = [
            _emx._Buffer(str(kind), f"tmp{at}", (1, int(size)), int(begin), int(end))
            for at, (kind, size, begin, end) in enumerate(
                zip(kinds, draw.integers(1, 90, 30), first, last, strict=True)
            )
        ]
        places, lengths = _emx._placed(buffers)
        used = {kind: np.full((26, length), -1) for kind, length in lengths.items()}
        for at, one in enumerate(buffers):
            part = used[one.kind][one.first : one.last + 1, places[one.name] : places[one.name] + one.size]
            assert part.shape[1] == one.size
            assert (part == -1).all()
            part[:] = at


@pytest.mark.slow
def test_the_golden_images_pass_on_an_emulated_cortex_m(project: Project, tmp_path: Path) -> None:
    needs("make", "arm-none-eabi-gcc", "qemu-system-arm")
    app = shutil.copytree(project.folder, tmp_path / "app")
    result = run("make", "-s", "emulated", f"ARMFLAGS={ARM}", cwd=app)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("passed: 20 golden images, the same labels")
    golden = (app / "golden.h").read_text()
    (app / "golden.h").write_text(re.sub(r"(GOLDEN_TOLERANCE) .*", r"\1 1e-12", golden))
    failed = run("make", "-s", "emulated", f"ARMFLAGS={ARM}", cwd=app)
    assert failed.returncode == 2  # make's word for a program that failed
    assert failed.stdout.startswith("FAILED: 20 golden images")


@pytest.mark.parametrize(
    ("target", "made", "flags"),
    [("selftest", "selftest", "CFLAGS=-O3"), ("size", "model.o", "ARMFLAGS=-mcpu=cortex-m7")],
)
def test_other_flags_make_another_program(project: Project, tmp_path: Path, target: str, made: str, flags: str) -> None:
    needs("make")
    app = shutil.copytree(project.folder, tmp_path / "app")
    (app / made).touch()
    assert flags.partition("=")[2] in run("make", "-n", target, flags, cwd=app).stdout


def test_what_the_generator_does_not_support_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(
        EmbedError, match=r"^fashion-mnist-best: .* cannot write it as C99: Slice only supports positive"
    ):
        embed("fashion-mnist-best", "c99", tmp_path / "mirrored")
    with pytest.raises(EmbedError, match=r"digit-finder: is for detection, and c99 has no project for that"):
        embed("digit-finder", "c99", tmp_path / "detector")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_generator_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "emx_onnx_cgen" else real(name))
    with pytest.raises(MissingPackageError, match=r"emx_onnx_cgen, .* pip install 'edgecnn\[c99\]'"):
        embed("mnist-c1", "c99", tmp_path / "app")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [r"^void network", r"    node0_\w+\(.*\);\n"])
def test_source_of_another_form_is_refused(cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = _integers.ready(onnx.load(zoo.find("mnist-c1")), "mnist-c1")
    written = _emx._generated(ready, "mnist-c1")
    other = re.sub(cut, "    if (1) {}\n", written, flags=re.M)
    monkeypatch.setattr(_emx, "_generated", lambda model, name: other)
    with pytest.raises(EmbedError, match="wrote it in a form that edgecnn does not know"):
        _emx.source(ready, "mnist-c1")


EVIL = "*/ int evil; /*"


def test_no_text_of_a_file_becomes_code() -> None:
    model = onnx.load(zoo.find("mnist-c1"))
    model.producer_name = model.domain = model.doc_string = model.graph.name = model.graph.doc_string = EVIL
    model.opset_import.append(helper.make_opsetid(EVIL, 1))
    named = {node.output[0]: f"{EVIL}{number}" for number, node in enumerate(model.graph.node)}
    named |= {entry.name: f"{EVIL}{entry.name}" for entry in model.graph.initializer}
    named |= {"logits": "logits", "probabilities": "probabilities"}
    for entry in model.graph.initializer:
        entry.name = entry.doc_string = named[entry.name]
    for node in model.graph.node:
        node.name = node.doc_string = EVIL
        node.input[:], node.output[:] = ([named.get(name, name) for name in side] for side in (node.input, node.output))
    text = _emx.source(_integers.ready(model, "evil"), "evil").text
    assert "*/ int" not in text
    model.graph.node[0].attribute.append(helper.make_attribute("note", EVIL))
    with pytest.raises(EmbedError, match="evil: operator Transpose has a text that c99 cannot carry"):
        _integers.ready(model, "evil")


def test_a_graph_inside_is_refused() -> None:
    model = onnx.load(zoo.find("mnist-c1"))
    model.graph.node[0].attribute.append(helper.make_attribute("body", onnx.GraphProto(name="inner")))
    with pytest.raises(EmbedError, match="operator Transpose has a graph inside"):
        _integers.ready(model, "nested")

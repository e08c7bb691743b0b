"""mixed: the layers whose integers cost the most stay in float, as few as it takes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from forming import made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from edgecnn import card as cards
from edgecnn import onnx_file, zoo
from edgecnn.bench.figures import Ratio
from edgecnn.errors import ParityError
from edgecnn.insight import graph
from edgecnn.quantize import Quantized, choose, forms, mixing, quantize
from edgecnn.quantize.forms import Parent, static
from edgecnn.quantize.forms._quantizer import prepared_static
from edgecnn.quantize.parts import Costs, Part, in_db, neighbors, nodes_of, parts_of
from edgecnn.runtime.classifier import load
from edgecnn.runtime.selftest import selftest
from edgecnn.saturation import prove
from edgecnn.tasks._detection.measuring import DetectionYardstick

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 1), np.uint8)
SLOWER = Ratio("model", "against", 1, 1, ratio=2.0, ratio_ci95=(2.0, 2.0), verdict="slower")


@pytest.fixture(scope="module")
def costs(model: Path) -> Iterator[Costs]:
    with prepared_static(forms.parent_of(model), IMAGES, reduce_range=True) as prepared:
        yield Costs(prepared, IMAGES[:8], lambda ends: ends)


def answers(model: bytes) -> np.ndarray:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": IMAGES})[0]


# Parts


def test_parts_hold_each_node_once(costs: Costs) -> None:
    held = [node for part in costs.parts for node in part.nodes]
    assert sorted(held) == sorted(set(held))
    kinds = {node.name: node.op_type for node in onnx.load(costs.static.prepared).graph.node}
    weighted = [node for node in costs.static.integers if kinds[node] in ("Conv", "Gemm")]
    assert set(weighted) <= set(held)


def test_nothing_in_float_is_the_static_form(costs: Costs, model: Path) -> None:
    assert np.array_equal(answers(costs.form([])), answers(made("static", model, IMAGES)))


def test_everything_in_float_answers_as_the_float32_file_to_the_last_bit(costs: Costs, model: Path) -> None:
    left = onnx.load_model_from_string(costs.form(costs.parts))
    assert not [node for node in left.graph.node if "Linear" in node.op_type]
    assert np.array_equal(answers(costs.form(costs.parts)), answers(model.read_bytes()))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_in_float_the_file_keeps_its_contract(costs: Costs, model: Path, data: st.DataObject) -> None:
    """Inputs, outputs and standard operators are the parent's; its weights are those of the parent, and no sum of what
    is left as integers can saturate."""
    floats = data.draw(st.sets(st.sampled_from(costs.parts)))
    found = costs.form(floats)
    parent, mixed = onnx.load(model), onnx.load_model_from_string(found)
    assert mixed.graph.input == parent.graph.input
    assert [entry.name for entry in mixed.graph.output] == [entry.name for entry in parent.graph.output]
    assert {node.domain for node in mixed.graph.node} == {""}
    assert prove(found).safe
    names = nodes_of(floats)
    weights = {tensor.name: tensor for tensor in mixed.graph.initializer}
    before = {node.name: node for node in parent.graph.node}
    exact = {tensor.name: numpy_helper.to_array(tensor) for tensor in parent.graph.initializer}
    convolutions = [node for node in mixed.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 4
    for node in convolutions:
        assert (node.input[1] in weights) == (node.name in names)
        if node.name in names:
            stored = numpy_helper.to_array(weights[node.input[1]])
            assert np.array_equal(stored, exact[before[node.name].input[1]])
    assert np.isfinite(answers(found)).all()


def test_what_one_costs_alone_is_none_where_it_is_float_too(costs: Costs) -> None:
    assert costs.noise(costs.parts) == 0
    assert in_db(0.0) is None
    assert in_db(0.01) == pytest.approx(20)


@pytest.mark.parametrize("first", [1, 10])
def test_noise_is_that_of_what_decides_at_the_end(costs: Costs, model: Path, first: int) -> None:
    """Here of the first logit alone, and of all ten, as plain sessions of both files give them."""
    judged = Costs(costs.static, IMAGES, lambda ends: ends[:, :first])
    exact, found = (answers(one)[:, :first].astype(np.float64) for one in (model.read_bytes(), costs.form([])))
    assert judged.noise([]) == pytest.approx(((found - exact) ** 2).sum() / (exact**2).sum(), rel=1e-3)


def test_of_a_detector_the_scores_decide_and_coordinates_do_not() -> None:
    maps_nchw = np.random.default_rng(0).normal(size=(2, 5, 3, 4)).astype(np.float32)
    moved_nchw = maps_nchw + np.array([0, 1, 1, 1, 1], np.float32)[:, None, None]
    decide = partial(DetectionYardstick.decisive, None)  # type: ignore[arg-type] - it needs no images
    assert np.array_equal(decide(moved_nchw), decide(maps_nchw))
    assert decide(maps_nchw).shape == (2, 1, 3, 4)
    assert decide(np.zeros((1, 5, 1, 1), np.float32)) == 0.5
    assert decide(np.full((1, 5, 1, 1), -12.0, np.float32)) < 1e-5  # whether it is -10 or -12 is all the same


def test_errors_by_layer_are_those_of_audit(costs: Costs, tmp_path: Path) -> None:
    """The same sums: those of ``insight.noise`` between the two files."""
    from edgecnn.insight import noise

    (tmp_path / "static.onnx").write_bytes(costs.form([]))
    rows = noise.measure(costs.network, graph.read(tmp_path / "static.onnx"), costs.images_nhwc)
    by_name = {row.name: row.snr_db for row in rows}
    for part in costs.parts:
        assert costs.snr_db[part.name] == min(by_name[v] for v in part.values if by_name.get(v) is not None)


def test_the_end_of_a_classifier_is_its_last_dense_layer(costs: Costs) -> None:
    assert [layer.name for layer in costs.network.last_weighted] == ["logits"]


@dataclass
class Pyramid:
    """The parts of the zoo's detector, which has additions, and a noise that falls with what is told to bring much."""

    network: graph.Network
    parts: list[Part]
    brings: dict[frozenset[str], float]

    def noise(self, floats: list[Part]) -> float:
        names = {part.name for part in floats}
        return 1 - sum(brought for wanted, brought in self.brings.items() if wanted <= names)


@pytest.fixture(scope="module")
def pyramid() -> Iterator[Pyramid]:
    with prepared_static(forms.parent_of(zoo.find("digit-finder/fp32")), IMAGES, reduce_range=True) as static:
        network = graph.read(static.prepared)
        yield Pyramid(network, parts_of(network, static.integers), {})


def test_neighbors_are_so_to_each_other_and_not_to_themselves(pyramid: Pyramid) -> None:
    beside = neighbors(pyramid.network, pyramid.parts)
    assert list(beside) == pyramid.parts
    for part, others in beside.items():
        assert part not in others
        assert all(part in beside[other] for other in others)
        assert len(others) >= 3 or part.has_weights  # an addition: two come in, and at least one goes on


def test_an_addition_is_tried_with_all_beside_it(pyramid: Pyramid) -> None:
    """That brings the most for each layer, though none of them brings anything by itself."""
    beside = neighbors(pyramid.network, pyramid.parts)
    addition = [part for part in pyramid.parts if not part.has_weights][-1]
    group = [addition, *beside[addition]]
    costs = replace(pyramid, brings={frozenset(part.name for part in group): 0.4})
    order = [addition, *(part for part in pyramid.parts if part != addition)]
    assert mixing._next(costs, [], order) == group
    floats, left = group[1:2], [addition, *group[2:]]
    assert mixing._next(costs, floats, order) == left  # what is in float already is not named again


def test_one_layer_comes_first_where_it_brings_more_than_each_of_several(pyramid: Pyramid) -> None:
    beside = neighbors(pyramid.network, pyramid.parts)
    addition = [part for part in pyramid.parts if not part.has_weights][-1]
    names = frozenset(part.name for part in [addition, *beside[addition]])
    single = next(part for part in pyramid.parts if part.has_weights and part.name not in names)
    costs = replace(pyramid, brings={names: 0.4, frozenset([single.name]): 0.2})
    rest = [part for part in pyramid.parts if part not in (addition, single)]
    assert mixing._next(costs, [], [addition, single, *rest]) == [single]


# The search


@pytest.fixture(scope="module")
def spoiled(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with a channel of its second convolution a thousand times as large, and divided again behind it: the
    same function, whose int8 form has no levels left for the other channels."""
    graph_of = onnx.load(model)
    tensors = {tensor.name: tensor for tensor in graph_of.graph.initializer}
    first, second = [node for node in graph_of.graph.node if node.op_type == "Conv"][:2]
    for name, axis, factor in ((first.input[1], 0, 1000.0), (first.input[2], 0, 1000.0), (second.input[1], 1, 0.001)):
        values = numpy_helper.to_array(tensors[name]).copy()
        np.moveaxis(values, axis, 0)[0] *= factor
        tensors[name].CopyFrom(numpy_helper.from_array(values, name))
    path = tmp_path_factory.mktemp("spoiled") / "spoiled.onnx"
    onnx_file.write_with_card(graph_of.SerializeToString(), load(model).card, path)
    return path


@pytest.fixture(scope="module")
def found(spoiled: Path, data_root: Path) -> Quantized:
    """What auto comes to, where nothing is faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose, "compare_latency", lambda *paths, **how: SLOWER)
        return quantize(spoiled, spoiled.with_name("auto.onnx"), root=data_root, max_drop_pp=1.0)


def test_auto_looks_for_it_where_static_drops_too_far(found: Quantized) -> None:
    by_form = {candidate.form: candidate for candidate in found.candidates}
    assert list(by_form) == ["int8-static", "int8-dense", "fp16", "int8-mixed"]
    assert not by_form["int8-static"].accurate
    assert by_form["int8-mixed"].accurate


def test_it_finds_the_layer_that_was_spoiled(found: Quantized) -> None:
    mixture = found.candidates[-1].mixture
    assert mixture is not None
    assert mixture.static_drop_pp == found.candidates[0].drop_pp > 1.0
    assert len(mixture.in_float) < mixture.layers
    assert mixture.in_float[-1].drop_pp == found.candidates[-1].drop_pp <= 1.0
    alone = [layer.alone_db for layer in mixture.in_float]
    assert min(ratio for ratio in alone if ratio is not None) < 15  # the others cost a tenth of that


def test_the_card_says_which_layers_stayed(
    spoiled: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: SLOWER)
    made_one = quantize(spoiled, tmp_path / "mixed.onnx", method="mixed", root=data_root, max_drop_pp=1.0)
    opened = load(made_one.output)
    assert (made_one.output_form, opened.card.form) == ("int8-mixed", "int8-mixed")
    assert opened.card.quantization.mixture == made_one.candidates[0].mixture
    assert cards.ModelCard.from_json(opened.card.to_json(), source="card").quantization == opened.card.quantization
    assert selftest(opened).passed
    in_float = {layer.name for layer in opened.card.quantization.mixture.in_float}
    tensors = {tensor.name for tensor in onnx.load(made_one.output).graph.initializer}
    nodes = onnx.load(made_one.output).graph.node
    assert in_float & {node.name for node in nodes if node.op_type == "Conv" and node.input[1] in tensors}


def test_there_is_none_where_static_is_good_enough(model: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ParityError, match=r"int8-mixed was lost at its search: No layer has to stay in float"):
        quantize(model, tmp_path / "m.onnx", method="mixed", root=data_root, max_drop_pp=100)
    assert list(tmp_path.iterdir()) == []


@dataclass
class Outcome:
    drop_pp: float


class Strict:
    """A trial that nothing passes."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def compare(self, graph: bytes) -> Outcome:
        return Outcome(5.0)

    def decisive(self, ends: np.ndarray) -> np.ndarray:
        return ends

    def suffices(self, found: Outcome) -> bool:
        return False

    def say(self, text: str) -> None:
        self.said.append(text)


def test_it_is_not_offered_with_all_layers_in_float(model: Path) -> None:
    trial = Strict()
    with pytest.raises(mixing.FormError, match=r"All \d+ layers would have to stay in float"):
        mixing.search(forms.parent_of(model), IMAGES, trial)
    assert "1 of" in "".join(trial.said)


def test_it_ends_when_its_time_is_up(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "LIMIT_S", 0.0)
    with pytest.raises(mixing.FormError, match=r"with 0 of \d+ layers in float, it still drops by 5\.00 points"):
        mixing.search(forms.parent_of(model), IMAGES, Strict())


def test_auto_does_not_look_where_static_could_not_be_made(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(parent: Parent, images_nhwc: np.ndarray) -> bytes:
        raise ValueError("no schema")

    monkeypatch.setattr(static, "build", broken)
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: replace(SLOWER))
    result = quantize(model, tmp_path / "m.onnx", root=data_root)
    assert [candidate.form for candidate in result.candidates] == ["int8-dense", "fp16"]
    assert [lost.form for lost in result.lost] == ["int8-static"]

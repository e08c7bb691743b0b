"""Each execution provider is one file with what ``Provider`` asks for."""

import inspect
import tomllib
from pathlib import Path

import pytest

from edgecnn.errors import ProviderError
from edgecnn.runtime import providers
from edgecnn.runtime.providers import Provider

EXTRAS = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]

each = pytest.mark.parametrize("name", providers.names())


def test_finds_every_file() -> None:
    assert providers.names() == ("cpu", "cuda", "openvino")  # a new provider edits this line, on purpose


@each
def test_has_the_names_of_the_protocol(name: str) -> None:
    found = providers.get(name)
    assert all(isinstance(getattr(found, attribute), str) for attribute in Provider.__annotations__)


@each
@pytest.mark.parametrize("function", ["options", "prepare"])
def test_has_the_functions_of_the_protocol(name: str, function: str) -> None:
    wanted = list(inspect.signature(getattr(Provider, function)).parameters)[1:]
    assert list(inspect.signature(getattr(providers.get(name), function)).parameters) == wanted


@each
def test_is_named_as_onnxruntime_names_its_providers(name: str) -> None:
    import onnxruntime

    assert providers.get(name).ORT_NAME in onnxruntime.get_all_providers()


@each
def test_options_are_text_as_onnxruntime_wants_them(name: str) -> None:
    options = providers.get(name).options(3)
    assert all(isinstance(part, str) for item in options.items() for part in item)


@each
def test_is_installed_by_an_extra_with_an_onnxruntime(name: str) -> None:
    assert EXTRAS[providers.get(name).EXTRA][0].startswith("onnxruntime")


def test_openvino_gets_the_threads_that_were_asked_for() -> None:
    assert providers.get("openvino").options(3)["num_of_threads"] == "3"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ProviderError, match="no provider 'tpu'; there is cpu, cuda, openvino"):
        providers.get("tpu")


def test_a_provider_that_converts_nothing_opens_the_model_as_it_is() -> None:
    model = b"a model"
    assert all(providers.converted(name, model, "0") is model for name in providers.names())

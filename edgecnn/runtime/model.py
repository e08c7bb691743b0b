"""What all opened model files have in common, whatever they are for."""

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import CARD_KEY, ModelCard
from edgecnn.errors import CardError
from edgecnn.machine.environment import Environment
from edgecnn.runtime.session import OpenModel


class Model(ABC):
    """An opened model file. Safe to share between threads, and to send to other processes.

    ONNX Runtime's session may be called from any number of threads at once, and nothing else here changes after
    construction, so neither locks nor copies are needed.
    """

    TASK: ClassVar[str]

    def __init__(self, model: OpenModel) -> None:
        self._session = model.session
        self._model = model
        if CARD_KEY in model.metadata and self.card.task != self.TASK:
            raise CardError(
                f"{self.name}: is for {self.card.task}; a model for {self.TASK} was expected. edgecnn.load_model opens "
                "it as what it is, edgecnn list models names others."
            )

    @cached_property
    def card(self) -> ModelCard:
        """What the file says of itself. Raises CardError where it has no card."""
        return ModelCard.from_metadata(self._model.metadata, source=self.name)

    @property
    def labels(self) -> list[str]:
        """The names of what it tells apart, by class_id."""
        return self.card.labels

    @property
    def name(self) -> str:
        """What stands for the file in messages."""
        return self._model.name

    @property
    def provider(self) -> str:
        """The execution provider that was asked for, by its name here (``edgecnn list providers``)."""
        return self._model.provider

    @property
    def running_provider(self) -> str:
        """The execution provider that ONNX Runtime says it runs on, by ONNX Runtime's name."""
        running: str = self._session.get_providers()[0]
        return running

    @property
    def threads(self) -> int:
        """The threads that one call may use."""
        return self._model.threads

    @property
    def environment(self) -> Environment | None:
        """The device that it runs on, None for this machine."""
        return self._model.environment

    @property
    def source(self) -> Path | bytes:
        """The file that was opened, or its bytes."""
        return self._model.source

    @property
    def exact_int8(self) -> bool:
        """Whether int8 sums that may saturate on this processor are computed in another, slower way, exactly."""
        return self._model.exact_int8

    @abstractmethod
    def answers(self, images_nhwc: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Return what the file answers for images of the size that its card says, by name of the output."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._model,)

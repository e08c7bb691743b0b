"""What a recipe says: one trained thing, checked, with nothing left to a default that is not written down."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Groups = Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=2)]


class Table(BaseModel):
    """One table of a recipe: no unknown keys, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Network(Table):
    """The architecture family and its own parameters (see ``edgecnn list networks``)."""

    name: str = "compact"
    parameters: dict[str, Any] = {}


class Data(Table):
    """What is learnt from. ``validation`` is a fraction of the training images when below 1, else a count."""

    name: str = "digits"
    size: Annotated[int, Field(ge=4, le=1024)] | None = None
    color: Literal["auto", "gray", "rgb"] = "auto"
    validation: Positive = 0.1
    split_seed: Annotated[int, Field(ge=0)] = 0
    subset: Count | None = None
    groups: Groups | None = None


class Preprocess(Table):
    """How pixels are brought to the network, inside the model file. ``unit``: divided by 255. ``standard``: then less
    the training images' mean, divided by their deviation, by channel. ``mean`` and ``std`` set these by hand."""

    scale: Literal["unit", "standard"] = "unit"
    mean: list[float] | None = None
    std: list[Positive] | None = None


class Optimizer(Table):
    """The optimizer and its step size. ``momentum`` is SGD's and RMSprop's."""

    name: Literal["sgd", "asgd", "adam", "adamw", "rmsprop"] = "adamw"
    learning_rate: Positive = 1e-3
    momentum: Fraction = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> "Optimizer":
        if self.nesterov and not self.momentum:
            raise PydanticCustomError("nesterov", "nesterov needs a momentum above 0")
        return self


class Schedule(Table):
    """How the learning rate moves. ``warmup`` is the fraction of all steps in which it rises from near zero."""

    name: Literal["constant", "cosine", "linear", "step"] = "constant"
    warmup: Fraction = 0.0
    step_at: list[Fraction] = []
    step_factor: Positive = 0.1


class Loss(Table):
    """Cross entropy on logits."""

    name: Literal["cross-entropy"] = "cross-entropy"
    label_smoothing: Fraction = 0.0


class Regularization(Table):
    """Against overfitting. ``weight_decay`` is the optimizer's own, on everything but biases and norms."""

    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    clip_norm: Positive | None = None


class Recipe(Table):
    """One trained thing. ``name`` is the name of the file that it was read from."""

    name: str = ""
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    epochs: Count = 10
    batch_size: Count = 128
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    network: Network = Network()
    data: Data = Data()
    preprocess: Preprocess = Preprocess()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    regularization: Regularization = Regularization()

"""What a recipe says: one trained thing, checked, with nothing left to a default that is not written down."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from pydantic_core import PydanticCustomError

from edgecnn.code_name import public

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Groups = Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]


class Table(BaseModel):
    """One table of a recipe: no unknown keys, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Network(Table):
    """The architecture family and its own parameters (see ``edgecnn list networks``); or FILE.py:NAME, a class of your
    own in a file beside the recipe, of which a run has a copy and writes down the ``sha256``."""

    name: str = "compact"
    parameters: dict[str, Any] = {}
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    def public(self) -> "Network":
        """Return it without the folders that lead to a file."""
        return self.model_copy(update={"name": public(self.name)})


class Data(Table):
    """What is learned from. ``size`` is the side in pixels that pictures are brought to, by default their own; of
    pictures with boxes the longest side, by default their own up to 320.
    ``validation`` is a fraction of the training images when below 1, else a count, at most half; ``split_seed`` draws
    which. A folder with ``val`` beside ``train`` and ``test``, and a .npz with ``val_images``, have their own instead.
    ``subset`` is how many training images are used at all. ``sampling`` = balanced draws the images of an epoch with
    replacement, every class as often, as PyTorch's WeightedRandomSampler does; all takes each once. ``groups`` makes
    classes of several labels, and of several categories of boxes one kind of thing. With ``buffer`` pictures stay in
    their files and are read anew in each epoch, where memory has no room for all: so many are held, out of which
    the next is drawn."""

    name: str = "digits"
    size: Annotated[int, Field(ge=4, le=1024)] | None = None
    color: Literal["auto", "gray", "rgb"] = "auto"
    validation: Positive = 0.1
    split_seed: Annotated[int, Field(ge=0)] = 0
    subset: Count | None = None
    sampling: Literal["all", "balanced"] = "all"
    groups: Groups | None = None
    buffer: Count | None = None

    @model_validator(mode="after")
    def _a_stream_is_read_once(self) -> "Data":
        if self.buffer is not None and self.sampling != "all":
            raise PydanticCustomError(
                "buffer", "buffer reads each picture once an epoch; sampling = balanced draws them. Leave one out"
            )
        return self


class Preprocess(Table):
    """How pixels are brought to the network, inside the model file. ``unit``: divide by 255. ``standard``: then
    subtract the mean of the training images and divide by their standard deviation, per channel. ``each``: subtract
    each image's own mean and divide by its own standard deviation, so that light and contrast do not matter.
    ``weights``: as the pretrained weights of a torchvision network want it. ``mean`` and ``std`` set these by hand."""

    scale: Literal["unit", "standard", "each", "weights"] = "unit"
    mean: list[FiniteFloat] | None = None
    std: list[Positive] | None = None


class Augment(Table):
    """How training images are varied, batch by batch, drawn anew for each image (``edgecnn/train/augment.py``).

    ``translate`` and ``cutout`` are fractions of the side, ``rotate`` and ``shear`` degrees either way; ``scale``,
    ``brightness``, ``contrast``, ``saturation`` and ``sharpness`` are factors in 1 ± the value; ``noise`` is a
    deviation with pixels in 0..1, ``blur`` the largest sigma in pixels; ``mixup`` and ``cutmix`` are the alpha of their
    Beta distribution. ``fill`` is what lies beyond the border.
    """

    flip: Literal["none", "random", "alternating"] = "none"
    translate: Fraction = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    scale: Fraction = 0.0
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    fill: Literal["zero", "reflect"] = "zero"
    brightness: Fraction = 0.0
    contrast: Fraction = 0.0
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.0
    sharpness: Annotated[float, Field(ge=0, le=1)] = 0.0
    blur: Annotated[float, Field(ge=0, le=8)] = 0.0
    noise: Fraction = 0.0
    cutout: Fraction = 0.0
    mixup: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    cutmix: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _one_mixing(self) -> "Augment":
        if self.mixup and self.cutmix:
            raise PydanticCustomError("mixing", "mixup and cutmix exclude each other; leave one at 0")
        return self


class Progressive(Table):
    """Progressive resizing: images of the first epoch have the fraction ``start`` of their side; it grows epoch by
    epoch, and from the fraction ``until`` of the epochs on they are whole. A ``start`` of 1 is none. For networks that
    take any size."""

    start: Annotated[float, Field(gt=0, le=1)] = 1.0
    until: Annotated[float, Field(gt=0, le=1)] = 0.75


class Rest(Table):
    """What Muon leaves to another optimizer: biases, norms, the last layer and frozen-filter biases."""

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    learning_rate: Positive = 1e-3
    momentum: Fraction = 0.0
    nesterov: bool = False


TAKEN_BY = {"momentum": ("sgd", "rmsprop", "muon"), "nesterov": ("sgd", "muon"), "unit_filters": ("muon",)}


class Optimizer(Table):
    """The optimizer and its step size. ``momentum`` is SGD's, RMSprop's and Muon's; ``rest`` is Muon's companion, and
    ``unit_filters`` brings each layer that Muon steps back to the norm of an identity before each step."""

    name: Literal["sgd", "asgd", "adam", "adamw", "rmsprop", "muon"] = "adamw"
    learning_rate: Positive = 1e-3
    momentum: Fraction = 0.0
    nesterov: bool = False
    unit_filters: bool = False
    rest: Rest | None = None

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> "Optimizer":
        if self.nesterov and not self.momentum:
            raise PydanticCustomError("nesterov", "nesterov needs a momentum above 0")
        return self

    @model_validator(mode="after")
    def _nothing_is_without_effect(self) -> "Optimizer":
        for key, names in TAKEN_BY.items():
            if getattr(self, key) and self.name not in names:
                raise PydanticCustomError(key, f"{key} belongs to {', '.join(names)}; leave it out for {self.name}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _muon_has_a_companion(cls, tables: Any) -> Any:
        """Write down what Muon's companion is when a recipe does not say."""
        return {"rest": {}, **tables} if isinstance(tables, dict) and tables.get("name") == "muon" else tables

    @model_validator(mode="after")
    def _rest_is_muons(self) -> "Optimizer":
        if self.name != "muon" and self.rest is not None:
            raise PydanticCustomError("rest", "a table optimizer.rest belongs to muon; leave it out")
        return self


class Schedule(Table):
    """How the learning rate moves. ``warmup`` is the fraction of all steps in which it rises: from near zero in a
    line, for ``one-cycle`` from a 25th along a cosine. ``step`` multiplies it by ``step_factor`` at each of
    ``step_at``, fractions of the steps after the warm-up."""

    name: Literal["constant", "cosine", "linear", "step", "one-cycle"] = "constant"
    warmup: Fraction = 0.0
    step_at: list[Fraction] = []
    step_factor: Positive = 0.1

    @model_validator(mode="after")
    def _steps_are_steps(self) -> "Schedule":
        if bool(self.step_at) != (self.name == "step"):
            raise PydanticCustomError("step_at", 'step_at and name = "step" go together: say both, or neither')
        return self


class Loss(Table):
    """Cross entropy on logits; or, as two of the reports have it by mistake, on probabilities taken for logits."""

    name: Literal["cross-entropy", "cross-entropy-of-softmax"] = "cross-entropy"
    label_smoothing: Fraction = 0.0


class Teacher(Table):
    """What a classifier learns from beside the labels. ``models`` is a run, a checkpoint, a model file or a model of
    the zoo, or a list of such; their logits are averaged, and where ``mirrored`` those of each image and its mirror
    image. The loss is ``weight`` times the divergence from their probabilities, both softened by ``temperature``, and
    for the rest the one of the labels. With ``views`` images are augmented in so many ways, epoch by epoch in turn, and
    the teacher answers each once, for the hours that a large one takes; 0 draws each epoch anew."""

    models: Annotated[list[str], Field(min_length=1)]
    temperature: Positive = 4.0
    weight: Annotated[float, Field(gt=0, le=1)] = 0.9
    mirrored: bool = False
    views: Annotated[int, Field(ge=0, le=999)] = 0

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, tables: Any) -> Any:
        """Take one model without brackets."""
        one = tables.get("models") if isinstance(tables, dict) else None
        return {**tables, "models": [one]} if isinstance(one, str) else tables


class Regularization(Table):
    """Against overfitting. ``weight_decay`` is the optimizer's own, on everything but biases and norms. ``ema`` is the
    decay a step of a moving average of the weights, which is then what is validated and kept; 0 is none."""

    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    clip_norm: Positive | None = None
    ema: Fraction = 0.0


class Recipe(Table):
    """One trained thing. ``name`` is the name of the file that it was read from. ``task`` is what is trained for, by
    default what the network is for.

    ``select`` says which epoch is kept for export: the best on validation, or the last. ``patience`` ends a training
    after so many epochs without a better one, by validation accuracy and among equals by loss. ``average`` = flip puts
    the mean over an image and its mirror image into the network, and so into the exported file. ``unfreeze_at`` is for
    pretrained networks: the last layer learns from the start, the stage before it from that fraction of the epochs on,
    and so backwards; with the last entry all that is left joins in. ``start_from`` is a run or checkpoint of the same
    network: training starts from its weights, the last layer made anew where the classes are others. ``quantization`` =
    int8 trains on from there with weights and activations rounded as the exported int8 file will have them. ``prune``
    is the share of the channels of each layer that are left out, the weakest of ``start_from``, before it trains on.
    """

    name: Annotated[str, Field(pattern=r"^[^/\\]*$")] = ""
    description: str = ""
    task: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    epochs: Count = 10
    batch_size: Count = 128
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    select: Literal["best", "last"] = "best"
    patience: Count | None = None
    average: Literal["none", "flip"] = "none"
    unfreeze_at: list[Fraction] = []
    start_from: str | None = None
    quantization: Literal["int8"] | None = None
    prune: Annotated[float, Field(gt=0, lt=1)] | None = None
    network: Network = Network()
    data: Data = Data()
    preprocess: Preprocess = Preprocess()
    augment: Augment = Augment()
    progressive: Progressive = Progressive()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    regularization: Regularization = Regularization()
    teacher: Teacher | None = None

    @model_validator(mode="after")
    def _channels_are_judged_by_a_run(self) -> "Recipe":
        if self.prune is not None and self.start_from is None:
            raise PydanticCustomError("prune", "prune: start_from=RUN is missing, the run whose channels are judged")
        return self

    @model_validator(mode="after")
    def _rounding_goes_with_the_rest(self) -> "Recipe":
        if self.quantization is None:
            return self
        unlike = {
            "start_from=RUN is missing, the run in float32 to train on from": self.start_from is None,
            "precision is bf16, where rounding takes fp32": self.precision == "bf16",
            "unfreeze_at belongs to the training before; set it to []": bool(self.unfreeze_at),
            "progressive belongs to the training before; set progressive.start to 1": self.progressive.start < 1,
        }
        if any(unlike.values()):
            raise PydanticCustomError(
                "rounding", f"quantization: {next(key for key, is_so in unlike.items() if is_so)}"
            )
        return self

    def public(self) -> "Recipe":
        """Return it as a run and a card have it: a file of Python without the folders that lead to it."""
        return self.model_copy(update={"network": self.network.public()})

"""What a classifier's page in the zoo says."""

from edgecnn import data, documents
from edgecnn.card import ModelCard
from edgecnn.registry import DATASETS
from edgecnn.report.model_card import VERIFY, some
from edgecnn.verify import Compared, Comparison

USE = """\
```python
import edgecnn, numpy as np

frame = np.zeros({frame}, np.uint8)  # any size; RGB, gray or RGBA
answer = edgecnn.load("{name}").predict(frame)
print(answer.label, answer.probability)
```

```console
$ edgecnn predict {name} picture.png
$ edgecnn inspect {name}
$ edgecnn selftest {name}
```"""


class ClassificationPage:
    """See ``report.page.Page``."""

    def purpose(self, card: ModelCard) -> str:
        """Say in a few words what a model tells apart."""
        return some(card.labels)

    def takes(self, card: ModelCard) -> str:
        """Say in a few words what images it takes."""
        return str(card.input)

    def head(self, card: ModelCard) -> str:
        """Say in a sentence what goes in and what comes out."""
        return (
            f"Takes {card.input} pictures, uint8 as they come, and answers with one of {len(card.labels)} labels: "
            f"{', '.join(card.labels)}."
        )

    def use(self, name: str, card: ModelCard) -> str:
        """Return the lines to copy."""
        height, width, channels = card.input.shape
        frame = f"({height}, {width})" if channels == 1 else f"({height}, {width}, {channels})"
        return USE.format(name=name, frame=frame)

    def limits(self, card: ModelCard) -> str:
        """Say what it is for, and what it is not."""
        name = card.dataset.name
        like = f": {data.describe(name)[0].lower()}{data.describe(name)[1:]}" if name in DATASETS.names() else "."
        return (
            f"For pictures like those of {name}{like} Another source, framing or polarity is another task: measure it "
            "there (`edgecnn verify … --data folder:PATH`) before relying on it. Whatever it is shown, it answers with "
            "one of its labels, and a high probability is no proof that the picture shows one of them."
        )

    def data(self, card: ModelCard) -> str:
        """Say what it was trained on, and under which license."""
        dataset = card.dataset
        grouped = f", its labels grouped into {', '.join(dataset.groups)}" if dataset.groups else ""
        subset = f", {dataset.subset:,} images of it" if dataset.subset else ""
        return (
            f"{dataset.name}{subset}{grouped}: {dataset.train:,} images to train and {dataset.validation:,} to "
            f"validate, drawn with seed {dataset.split_seed}. The test split was opened for the figures above "
            "alone.\n\n"
            f"License of the data: {data.license_of(dataset.name)}. License of edgecnn and of this file: MIT."
        )

    def comparison(self, document: bytes) -> Comparison:
        """Read what ``edgecnn verify --json`` printed. Raises DocumentError."""
        return documents.from_json(Comparison, document, "it")

    def figures(self, found: Compared) -> str:
        """Say in words what the comparison has."""
        assert isinstance(found, Comparison)
        scores = found.candidate
        return (
            f"Top-1 on the {found.images:,} images of the {found.split} split of {found.dataset}; macro precision of "
            f"the preferred form {scores.precision:.4f}, recall {scores.recall:.4f}, F1 {scores.f1:.4f}. "
            f"{_drop(found)}Class by class: `{VERIFY}`."
        )


def _drop(verify: Comparison) -> str:
    """Say what the form to ship loses, and against what; nothing where a file was compared with itself."""
    reference, (low, high) = verify.reference.model, verify.drop_pp_ci95
    if reference == verify.candidate.model:
        return ""
    kind = "the float32 file" if reference.endswith(".onnx") else "the PyTorch model"
    return (
        f"Against {kind} ({reference}) its accuracy drops by {verify.drop_pp:.2f} points (95 %: {low:.2f}..{high:.2f}, "
        f"{verify.verdict} at the allowed {verify.max_drop_pp:g}), with the same label on {verify.agreement:.2%}. "
    )

"""The card: what the file says of itself."""

from edgecnn.report.figure import Figure, Numbers, Shown
from edgecnn.report.subject import Subject

TITLE = "Model card"
PLACE = 10
TASKS = ()


def draw(subject: Subject) -> Figure:
    """Show what a file says of where it comes from."""
    facts = [(name, value) for name, value in _facts(subject) if value]
    return Figure(
        caption="What the model file says of itself; it travels in the file.",
        numbers=Numbers(("what", "value"), facts),
        command=f"edgecnn inspect {subject.source.model}",
        table=Shown(("what", "value"), facts, left=2),
    )


def _facts(subject: Subject) -> list[tuple[str, str]]:
    card = subject.card
    data, quantization, trained = card.dataset, card.quantization, card.trained
    return [
        ("task", card.task),
        ("labels", ", ".join(card.labels)),
        ("input", str(card.input)),
        ("network", f"{card.network}, {card.parameters:,} parameters"),
        ("form", card.form),
        ("data", f"{data.name}: {data.train:,} training images, {data.validation:,} for validation"),
        ("figures", "; ".join(f"{score.metric} {score}" for score in card.metrics)),
        ("recipe", str(card.recipe.get("description", ""))),
        ("quantized by", quantization.method if quantization else ""),
        ("trained on", f"{trained.processor}, {trained.threads} threads, {trained.precision}" if trained else ""),
        ("versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())),
    ]

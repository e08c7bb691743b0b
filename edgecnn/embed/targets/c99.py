"""C99 and nothing else, for devices without an operating system: no heap, no runtime, no files."""

from importlib import resources
from typing import TYPE_CHECKING

from edgecnn.card import ModelCard
from edgecnn.embed.targets import _header
from edgecnn.errors import check_installed

if TYPE_CHECKING:
    from edgecnn.embed.targets._emx import Source

TEMPLATES = {"classification": ("c99",)}
SELFTEST = ("make selftest", "./selftest")
COPIED = ("card.json",)

ENTRY = """
/* Classify MODEL_BYTES pixels. See model.h. */
void model_run(const unsigned char *pixels, float *probabilities) {
  static float logits[1][MODEL_CLASSES];
  network((const uint8_t(*)[MODEL_HEIGHT][MODEL_WIDTH][MODEL_CHANNELS])pixels, logits,
          (float(*)[MODEL_CLASSES])probabilities);
}
"""
DECLARED = """
#ifdef __cplusplus
extern "C" {
#endif

/* Classify MODEL_BYTES pixels 0..255, rows from the top left, colors together, as MODEL_CLASSES probabilities.
 * Its buffers are static: one call at a time. */
void model_run(const unsigned char *pixels, float *probabilities);

#ifdef __cplusplus
}
#endif
"""


def generated(card: ModelCard, model: bytes) -> dict[str, str]:
    """The network as a C file, and the card as headers; the README says how much memory it takes."""
    source, headers = _source(card, model), _header.headers(card)
    readme = (resources.files("edgecnn.embed") / "templates" / "c99" / "README.md").read_text(encoding="utf-8")
    for placeholder, count in {"@CONSTANTS@": source.constants, "@BUFFERS@": source.buffers}.items():
        readme = readme.replace(placeholder, f"{count:,}")
    return headers | {
        "model.h": headers["model.h"] + DECLARED,
        "model.c": f'#include "model.h"\n\n{source.text}{ENTRY}',
        "README.md": readme,
    }


def _source(card: ModelCard, model: bytes) -> "Source":
    check_installed("emx_onnx_cgen")
    import onnx

    from edgecnn.embed.targets import _emx, _integers

    return _emx.source(_integers.ready(onnx.load_model_from_string(model), card.name), card.name)

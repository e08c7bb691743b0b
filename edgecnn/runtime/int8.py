"""Does this processor saturate int8 sums, and how does a session compute them exactly where it does?

ONNX Runtime is asked, not the processor's flags: a tiny model goes through each kernel that multiplies int8, once a
process, and only where a file that is not proven safe is opened. With every input at 255 and every weight at 127 the
right answers are known, and a kernel that adds pairs in 16 bits gives half of them.
"""

import base64
import functools
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgecnn.card import ModelCard
from edgecnn.errors import EdgecnnError
from edgecnn.runtime import engine

CHANNELS = 16
RIGHT = {"conv": 200, "matmul": 200, "gemm": 200, "integer": CHANNELS * 255 * 127}  # the outputs of PROBE
COMING, FUSED = ("integer",), ("conv", "matmul", "gemm")  # outputs of forms that range activations as they come, or not
# Session entries that compute exactly, the faster first: int8 weights become uint8, whose kernel adds in 32 bits (it
# refuses weights that two layers share); or dequantizers are left as they are, and the layers run in float32.
ENTRIES = (("session.x64quantprecision", "1"), ("session.disable_quant_qdq", "1"))
PROBE = (  # made by tests/int8_probe.py
    b"c-rk%-A=+V6kbaM^~8~;L88%USiIU37;j9b#<<9ZUV1lXsY~d<u?gV@Ucd_<%zGcghp^pPCIOy6+B7{qzu)<moKeaf;zf!ujxWD$"
    b"=m45RZ5Rtc8OPJU!*0Y|7Q|^Z6Aw`=f&|V1Pr||n&q7|CgqyrL=x8uTjzWiA594=m0EIxtsTi5;B-A>m`M4T)U;vQ*AV@h%oW_$F"
    b"zXl^=a3vM4WE(D3;!+xy+T_&&9Sz3Fk#g$YAnj%Y9g9?jtgeDoWrH<rrh+UhNL@j0={&C>bp`2=JE4^6T>j}?YTa7)Gt(lTM7$Bj"
    b"sgNRZ>;m0=@#IA7FI<};&p_~rWi77Urhev$ee(6wxpgVS9?E=VxhE8}hL=<6Gh`KuEpPV|Q>Hhfh}As(LHz}u|MTU3<ecPus2v|G"
    b"e8?RiD||#dKIZP8p<))AVN-~z5~UWOkM%I;ZD>)<8DNU^DR0y}h5Qe&)qV)eIn0}|uRUn#(Q89KLD%$0P>#;rRIf}P0gKtcrTwDD"
)

WrongOutputs = Callable[[tuple[str, str] | None], frozenset[str]]  # a session's entry -> what is wrong of PROBE


def saturates() -> bool:
    """Tell whether any int8 kernel that ONNX Runtime uses on this processor saturates."""
    return bool(wrong_outputs(None))


def may_saturate(card: ModelCard) -> bool:
    """Tell whether a card leaves it open that the int8 sums of its file saturate on some processors."""
    if card.form == "fp32":
        return False
    overflow = card.quantization.overflow if card.quantization else None
    return overflow is None or not overflow.safe


def exact_entries(card: ModelCard, wrong: WrongOutputs) -> Iterator[tuple[str, str]]:
    """Yield the session entries with which a file is computed exactly on a processor, the fastest first."""
    return (entry for entry in ENTRIES if wrong(entry).isdisjoint(needed(card)))


def needed(card: ModelCard) -> tuple[str, ...]:
    """Return the outputs of the probe that go through the kernels of a file's form."""
    return COMING if card.batch_dependent else FUSED


@functools.cache
def wrong_outputs(entry: tuple[str, str] | None) -> frozenset[str]:
    """Return the outputs of the probe that are wrong in a session with that entry; all where it does not run."""
    ort = engine.onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4  # fatal: what does not run is an answer
    options.intra_op_num_threads = options.inter_op_num_threads = 1

    def start(probe: bytes) -> Any:
        if entry:
            options.add_session_config_entry(*entry)
        return ort.InferenceSession(probe, options, providers=["CPUExecutionProvider"])

    return wrong_of(start)


def wrong_of(start: Callable[[bytes], Any]) -> frozenset[str]:
    """Return the outputs of the probe that are wrong in the session that ``start`` opens of it."""
    try:
        session = start(zlib.decompress(base64.b85decode(PROBE)))
        answers = session.run(list(RIGHT), {"x": np.full((1, CHANNELS, 1, 1), 255, np.uint8)})
    except EdgecnnError:
        raise  # the device, not the probe
    except Exception:  # ONNX Runtime raises a family of its own without a common base
        return frozenset(RIGHT)
    return frozenset(name for name, answer in zip(RIGHT, answers, strict=True) if (answer != RIGHT[name]).any())

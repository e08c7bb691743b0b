"""PyTorch's exporter, kept quiet, its failures made one message, and its traces of this machine taken out."""

import contextlib
import io
import logging
import multiprocessing
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import onnx

from edgecnn import onnx_file
from edgecnn.errors import ParityError

if TYPE_CHECKING:
    from torch import Tensor, nn


def traced(
    module: "nn.Module",
    example: "Tensor",
    network: str,
    *,
    inputs: list[str],
    outputs: list[str],
    dynamic: dict[int, Any] | None,
) -> onnx.ModelProto:
    """Export a module that takes one tensor, whose axes in ``dynamic`` may have any size; none where that is None.

    ``network`` names it in the ParityError that a failure raises.
    """
    import onnx_ir
    import torch
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    with _quiet_exporter(network):
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=None if dynamic is None else (dynamic,),
            opset_version=onnx_file.OPSET,
            optimize=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    program.model.graph.name = "edgecnn"
    model = onnx_ir.to_proto(ClearMetadataAndDocStringPass()(program.model).model)
    model.ir_version = onnx_file.IR_VERSION
    return model


@contextlib.contextmanager
def _quiet_exporter(network: str) -> Iterator[None]:
    """Keep the exporter's notes off the terminal, and make one message of whatever it raises.

    What it exports wrongly is found by the checks that follow.
    """
    logger = logging.getLogger("torch.onnx")
    level, processes = logger.level, multiprocessing.get_start_method(allow_none=True)
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # it wraps what it meets, a swallowed Ctrl-C included, into errors of many kinds
        cause = error.__cause__ or error
        reason = (str(cause).strip().splitlines() or [""])[0]
        raise ParityError(
            f"PyTorch's exporter failed on network {network} ({type(cause).__name__}: {reason}). No file was written. "
            "If it was not interrupted, the network has an operation that ONNX lacks; take that out."
        ) from error
    finally:
        logger.setLevel(level)
        if processes is None:  # tqdm, which PyTorch takes where it is installed, settles it with its first lock
            multiprocessing.set_start_method(None, force=True)

"""ONNX Runtime, imported so that it reports nothing.

From 1.32 on it keeps a record of its use in the home folder and sends it away, unless a variable says otherwise while
it is imported; later nothing is asked. So the variable is there for as long as the import takes, and the environment
stays the host's. Every module of edgecnn that needs ONNX Runtime gets it from here.
"""

import importlib
import os
import sys
from typing import Any

REPORTS_OFF = "ORT_DISABLE_TELEMETRY"


def onnxruntime() -> Any:
    """Return the module, imported without reports unless the user has set the variable otherwise.

    Raises what its import raises. One that the host has imported before is taken as it is.
    """
    if "onnxruntime" in sys.modules or REPORTS_OFF in os.environ:
        return importlib.import_module("onnxruntime")
    os.environ[REPORTS_OFF] = "1"
    try:
        return importlib.import_module("onnxruntime")
    finally:
        del os.environ[REPORTS_OFF]

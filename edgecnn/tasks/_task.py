"""What a task is: all that the stages ask of one. Each stage says what it asks, beside what it asks it for."""

from typing import Protocol

from edgecnn.contender import ContendingTask
from edgecnn.export.model_file import ExportingTask
from edgecnn.inspection import InspectedTask
from edgecnn.onnx_file import WritingTask
from edgecnn.quantize.yardstick import QuantizingTask
from edgecnn.report.page import PagedTask
from edgecnn.report.subject import ReportedTask
from edgecnn.runtime.load import OpeningTask
from edgecnn.runtime.selftest import SelfTestingTask
from edgecnn.train.prepare import LearningTask
from edgecnn.verify.models import VerifyingTask


class Task(
    LearningTask,
    ExportingTask,
    WritingTask,
    OpeningTask,
    SelfTestingTask,
    ContendingTask,
    QuantizingTask,
    VerifyingTask,
    InspectedTask,
    PagedTask,
    ReportedTask,
    Protocol,
):
    """The module of a task has these functions; mypy holds those of the package to it in tests/test_tasks.py."""

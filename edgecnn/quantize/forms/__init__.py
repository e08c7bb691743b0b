"""The forms that a model can be quantized into: one file each, found by its name, which is what ``--method`` takes.

A form's module has:

``NAME``                        what cards call it
``AUTOMATIC``                   whether it is tried without being asked for: then it has to be proven that its int8 sums
                                saturate on no processor, and it is preferred where it is measured to be better
``CALIBRATED``                  whether training images set the ranges of its activations
``BATCH_DEPENDENT``             whether these are set over a whole batch, so that each image is to be answered alone
``SEARCHED``                    whether it is looked for on validation images: then ``search(parent, images_nhwc,
                                trial)`` finds it, beginning with what ``build`` makes, and it is tried without being
                                asked for where a calibrated form drops too far
``unfit(parent)``               why it does not apply to a model, or nothing where it does
``build(parent, images_nhwc)``  its graph, with the parent's inputs and outputs; images are there if it is calibrated
"""

from edgecnn.quantize.forms._found import (
    Form,
    SearchedForm,
    automatic,
    get,
    is_needed,
    names,
    parent_of,
)
from edgecnn.quantize.parent import Parent

__all__ = ["Form", "Parent", "SearchedForm", "automatic", "get", "is_needed", "names", "parent_of"]

"""How a file of others takes pictures: the one input, its layout, its size, and whether its batch is fixed."""

from dataclasses import dataclass

from edgecnn.adopt.said import Layout, Said
from edgecnn.adopt.source import Source, Value
from edgecnn.card import LONGEST_SIDE, ImageInput
from edgecnn.errors import ModelError

KINDS = ("float", "float16", "double", "uint8")
CHANNELS = (1, 3)


@dataclass(frozen=True)
class Taken:
    """``rank`` is 4 for (N, C, H, W) or (N, H, W, C), 3 for (N, H, W), 2 for rows of pixels; ``batch`` is None where
    any number of images is taken."""

    name: str
    kind: str
    layout: Layout
    rank: int
    image: ImageInput
    batch: int | None

    @property
    def shape(self) -> str:
        """The input in words."""
        height, width, channels = self.image.shape
        sides = (channels, height, width) if self.layout == "nchw" else (height, width, channels)
        flat = {4: sides, 3: (height, width), 2: (height * width * channels,)}[self.rank]
        return f"{self.kind} ({', '.join(map(str, (self.batch or 'N', *flat)))})"


def taken(source: Source, said: Said, missing: list[str]) -> Taken | None:
    """Return how the file takes pictures; what has to be said for that goes to ``missing``. Raises ModelError."""
    value = the_input(source)
    sides = value.shape[1:]
    layout = _layout(value, said, missing)
    size, channels = _size(source, sides, layout, said, missing), _channels(source, sides, layout, said)
    if layout is None or size is None:
        return None
    batch = value.shape[0]
    return Taken(
        value.name, value.kind, layout, len(value.shape), ImageInput(*size, channels),
        batch if isinstance(batch, int) else None,
    )  # fmt: skip


def the_input(source: Source) -> Value:
    """Return the one input. Raises ModelError where it takes something else than pictures."""
    inputs = source.inputs
    found = "; ".join(map(str, inputs)) or "none"
    if len(inputs) != 1:
        raise ModelError(
            f"{source.path}: takes {len(inputs)} inputs ({found}); an image classifier takes one, the pictures. "
            "It cannot be adopted."
        )
    value = inputs[0]
    if value.kind not in KINDS:
        raise ModelError(
            f"{source.path}: takes {found}; pictures are expected, as {', '.join(KINDS)}. It cannot be adopted."
        )
    if not 2 <= len(value.shape) <= 4:
        raise ModelError(
            f"{source.path}: takes {found}; pictures are expected, as (N, C, H, W), (N, H, W, C), (N, H, W) or rows of "
            "pixels (N, H * W). It cannot be adopted."
        )
    return value


def _layout(value: Value, said: Said, missing: list[str]) -> Layout | None:
    """Return the layout, which the side of 1 or 3 tells where there is one."""
    if len(value.shape) < 4:
        return said.layout or "nhwc"
    first, last = value.shape[1] in CHANNELS, value.shape[3] in CHANNELS
    if first == last:
        if said.layout is None:
            missing.append(f"--layout nchw or nhwc: the input is {value}, which leaves open where its channels are")
        return said.layout
    found: Layout = "nchw" if first else "nhwc"
    if said.layout not in (None, found):
        raise ModelError(f"the input is {value}, which is {found}; --layout said {said.layout}.")
    return found


def _size(
    source: Source, sides: tuple[int | str, ...], layout: Layout | None, said: Said, missing: list[str]
) -> tuple[int, int] | None:
    if layout is None:
        return None
    tall, wide = _fixed_sides(sides, layout)
    size = (tall, wide) if said.size is None and tall is not None and wide is not None else said.size
    if size is None:
        missing.append(
            f"--resize HEIGHTxWIDTH: the input is {source.inputs[0]}, which takes any size; say the one that it was "
            "made for"
        )
        return None
    if tall not in (None, size[0]) or wide not in (None, size[1]):
        raise ModelError(f"{source.path}: takes {source.inputs[0]}; --resize said {size[0]}x{size[1]}.")
    if not all(0 < side <= LONGEST_SIDE for side in size):
        raise ModelError(f"{source.path}: takes {source.inputs[0]}; sides of 1 to {LONGEST_SIDE:,} were expected.")
    return size


def _fixed_sides(sides: tuple[int | str, ...], layout: Layout) -> tuple[int | None, int | None]:
    """Return height and width, None where the file takes any; rows of pixels may be of any picture."""
    if len(sides) == 1:
        return None, None
    tall, wide = sides[:2] if len(sides) == 3 and layout == "nhwc" else sides[-2:]
    return tall if isinstance(tall, int) else None, wide if isinstance(wide, int) else None


def _channels(source: Source, sides: tuple[int | str, ...], layout: Layout | None, said: Said) -> int:
    if len(sides) == 2 or layout is None:
        return 1
    found: int | float | str = sides[0 if layout == "nchw" else -1]
    if len(sides) == 1 and isinstance(found, int):
        found = found / (said.size[0] * said.size[1]) if said.size else 1
    if isinstance(found, str):
        found = _of_first_convolution(source)
    if found not in CHANNELS:
        raise ModelError(
            f"{source.path}: takes {source.inputs[0]}, which is {found:g} channels; pictures have 1 (gray) or 3 "
            "(color). It cannot be adopted."
        )
    return int(found)


def _of_first_convolution(source: Source) -> int:
    """Return how many channels the first convolution takes, where the input leaves it open; 0 where there is none."""
    shapes = {tensor.name: tensor.dims for tensor in source.model.graph.initializer}
    for node in source.model.graph.node:
        if node.op_type == "Conv" and node.input[1] in shapes:
            return int(shapes[node.input[1]][1])
    return 0

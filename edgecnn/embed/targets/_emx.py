"""A graph as one C99 file, written by emx-onnx-cgen, with its buffers in as little memory as their lifetimes allow.

The generator gives each value a buffer of its own on the stack: 174 kB for mnist-small, where 51 kB are in use at most.
"""

import re
from dataclasses import dataclass
from importlib.metadata import version

import onnx

from edgecnn.errors import EmbedError

FUNCTION = "network"
PACKAGE = "emx-onnx-cgen"
# What the generator writes, in the order of its file; anything else is refused.
BUFFER = re.compile(r"    (\w+) (\w+)((?:\[\d+\])+);")
CALL = re.compile(r"    \w+\(.*\);")
ENTRY = re.compile(rf"^void {FUNCTION}\((.*)\) {{\n(.*?)^}}\n", re.M | re.S)
LOADER = re.compile(rf"^_Bool {FUNCTION}_load\(const char \*path\) {{\n    \(void\)path;\n    return 1;\n}}\n\n", re.M)
CONSTANT = re.compile(r"^(const EMX_UNUSED [^=]*= )\{(.*?)^\};", re.M | re.S)
BYTES = {"float": 4, "double": 8, "_Bool": 1, "bool": 1} | {
    f"{sign}int{bits}_t": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)
}
WIDTH = 118


@dataclass(frozen=True)
class Source:
    """A C99 file whose only function is ``network``, and the bytes of its constants and of its buffers."""

    text: str
    constants: int
    buffers: int


@dataclass(frozen=True)
class _Buffer:
    """A value between two nodes: needed from the call that makes it to the last that takes it."""

    kind: str
    name: str
    shape: tuple[int, ...]
    first: int
    last: int

    @property
    def size(self) -> int:
        size = 1
        for length in self.shape:
            size *= length
        return size

    def meets(self, other: "_Buffer") -> bool:
        """Whether both are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


def source(model: onnx.ModelProto, name: str) -> Source:
    """Write a graph as C99. Raises EmbedError, which names what the generator does not support."""
    text = _generated(model, name)
    entry = ENTRY.search(text)
    if entry is None or LOADER.search(text) is None:
        raise _unknown(name)
    buffers, calls = _parsed(entry[2], name)
    places, lengths = _placed(buffers)
    body = _body(buffers, places) + "".join(f"{call}\n" for call in calls)
    arrays = "".join(f"static {kind} {_array(kind)}[{length}];\n" for kind, length in lengths.items())
    written = f"{text[: entry.start()]}{arrays}\nstatic void {FUNCTION}({entry[1]}) {{\n{body}}}\n"
    sizes = sum(BYTES[kind] * length for kind, length in lengths.items())
    return Source(_tidied(written), _bytes_of(model), sizes)


def _generated(model: onnx.ModelProto, name: str) -> str:
    from emx_onnx_cgen.compiler import Compiler, CompilerOptions
    from emx_onnx_cgen.errors import CompilerError

    # Zero is no limit: neither memory from a heap nor weights in a file beside the program.
    options = CompilerOptions(model_name=FUNCTION, large_temp_threshold_bytes=0, large_weight_threshold=0)
    try:
        return str(Compiler(options).compile(model))
    except CompilerError as error:
        raise EmbedError(_refused(str(error), name)) from error


def _refused(reason: str, name: str) -> str:
    """Say what the generator does not support, and of which operator."""
    said, _, where = reason.partition(" (while lowering ")
    kind = re.search(r"op_type=(\w+)", where)
    named = f"{said} (operator {kind[1]})" if kind and kind[1] not in said else said.rstrip(".")
    return f"{name}: {PACKAGE} {version(PACKAGE)} cannot write it as C99: {named}. Name another target with --to."


def _unknown(name: str) -> EmbedError:
    return EmbedError(
        f"{name}: {PACKAGE} {version(PACKAGE)} wrote it in a form that edgecnn does not know. "
        "Run: pip install 'emx-onnx-cgen==1.4.0'"
    )


def _parsed(body: str, name: str) -> tuple[list[_Buffer], list[str]]:
    declared: list[re.Match[str]] = []
    calls: list[str] = []
    for line in body.splitlines():
        match = BUFFER.fullmatch(line)
        if match and not calls and match[1] in BYTES:
            declared.append(match)
        elif CALL.fullmatch(line):
            calls.append(line)
        else:
            raise _unknown(name)
    used = [set(re.findall(r"\w+", call)) for call in calls]
    return [_buffer(match, used) for match in declared], calls


def _buffer(match: re.Match[str], used: list[set[str]]) -> _Buffer:
    at = [place for place, words in enumerate(used) if match[2] in words] or [0]
    return _Buffer(match[1], match[2], tuple(map(int, re.findall(r"\d+", match[3]))), at[0], at[-1])


def _placed(buffers: list[_Buffer]) -> tuple[dict[str, int], dict[str, int]]:
    """Return where each buffer begins in the array of its type, largest first, and how long the arrays are."""
    placed: list[tuple[int, _Buffer]] = []
    lengths: dict[str, int] = {}
    for one in sorted(buffers, key=lambda each: -each.size):
        begin = 0
        for start, other in sorted(placed, key=lambda pair: pair[0]):
            if other.kind == one.kind and other.meets(one) and start < begin + one.size and begin < start + other.size:
                begin = start + other.size
        placed.append((begin, one))
        lengths[one.kind] = max(lengths.get(one.kind, 0), begin + one.size)
    return {one.name: begin for begin, one in placed}, lengths


def _body(buffers: list[_Buffer], places: dict[str, int]) -> str:
    """Declare each buffer as a pointer into the array of its type, of the type that the functions take."""
    lines = []
    for one in buffers:
        rest = "".join(f"[{length}]" for length in one.shape[1:])
        place = f"{_array(one.kind)} + {places[one.name]}"
        declared = f"(*const {one.name}){rest} = ({one.kind}(*){rest})({place})"
        lines.append(f"    {one.kind} {declared if rest else f'*const {one.name} = {place}'};\n")
    return "".join(lines)


def _array(kind: str) -> str:
    return f"{kind.removesuffix('_t').strip('_')}_buffer"


def _tidied(text: str) -> str:
    """Keep constants to the file, written in full lines; leave out what loads weights, as there is nothing to load."""
    without = LOADER.sub("", re.sub(r"^extern const .*;\n", "", text, flags=re.M))
    return CONSTANT.sub(lambda found: f"static {found[1]}{{{_in_lines(found[2])}}};", without)


def _in_lines(values: str) -> str:
    """Fill lines with what stands in deeply indented short ones."""
    lines, line = [], "   "
    for word in re.sub(r"\s*([{}])\s*", r"\1", values).replace("},{", "}, {").split():
        if len(line) + len(word) >= WIDTH:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return "\n" + "\n".join([*lines, line]) + "\n"


def _bytes_of(model: onnx.ModelProto) -> int:
    return sum(onnx.numpy_helper.to_array(entry).nbytes for entry in model.graph.initializer)

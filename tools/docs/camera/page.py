"""docs/results/camera.md from docs/records/camera.json. What was not measured is said, and no figure is made up."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from page_table import table

from camera import texts
from camera.reading import FRAMES, PEER
from camera.record import BEFORE, ROOT, Record
from camera.rendered import HEIGHTS, Counts
from camera.still import FULL, FULL_SMALL, HEIGHT, SIXTY, VARIED, WIDTH
from edgecnn.digits.looks import NATIVE, looks

Row = Mapping[str, Any]

PAGE = ROOT / "docs" / "results" / "camera.md"
DIAGRAM = PAGE.with_name("camera-reliability.png")
SHEETS = ROOT / "docs" / "pictures" / "camera"
DISPLAYS = ("display",)
# Digits right and false positives a picture, of photographs of each group.
WANTED = {
    "pen on squared paper": "10 of 10, none false",
    "sudoku, filled in": "161 of 162",
    "sudoku, print": "211 of 211",
    "sudoku, print, blurred": "105 of 111",
}
MOST_FALSE = 0.3  # a photograph
TARGETS = {"right": 0.98, "displays": 0.97, "false": 0.3, "rejection": 0.03, "rate": 120.0, "p99": 12.0}
LEAST_LEVEL = 4_000_000  # bytes, that memory may grow by after a tenth of the frames
PARTS = ("photographs", "pages", "rejection", "still", "speed")


def page(found: Record) -> str:
    """Return the page of a record."""
    sections = (
        texts.HEAD.format(peer=_peer(found), targets=_targets(found)),
        _section(found, "photographs", "Photographs", _photographs),
        _section(found, "pages", "Rendered pages", _pages),
        _sheets(found),
        _section(found, "rejection", "Rejection", _rejection),
        _section(found, "still", "Stills of twelve megapixels", _still),
        _limits(),
        _section(found, "speed", "Speed and memory", lambda part: _speed(part, found.get(BEFORE, {}).get("speed"))),
        texts.MEASURED.format(rows=_measured(found)),
    )
    return "".join(sections)


def _section(found: Record, part: str, title: str, make: Callable[[Record], str]) -> str:
    if part not in found:
        return f"\n## {title}\n\n{texts.NOT_YET.format(part)}"
    return make(found[part])


def _peer(found: Record) -> str:
    parts = [found[part] for part in PARTS if part in found]
    versions = {part["versions"]["rapidocr"] for part in parts if "rapidocr" in part["versions"]}
    return f"{PEER} {' and '.join(sorted(versions))} (PP-OCRv6 small, in its wheel)" if versions else PEER


def _targets(found: Record) -> str:
    """Return what was aimed at, beside what came of it, and what other files came to before."""
    rows, before = _aimed(found), {title: value for title, _, value in _aimed(found.get(BEFORE, {}))}
    if not before:
        return table(("", "target", "here"), rows, "lrr")
    return table(("", "target", "before", "here"), [(*row[:2], before.get(row[0], ""), row[2]) for row in rows], "lrrr")


def _aimed(found: Record) -> list[tuple[str, str, str]]:
    """Return titles, targets and values."""
    rows: list[tuple[str, str, str]] = []
    if "photographs" in found:
        scores = found["photographs"]["scores"]
        ours = [score for score in scores if score["reader"] == scores[0]["reader"]]
        for group, wanted in WANTED.items():
            there, right, false, _ = _added(score for score in ours if score["group"] == group)
            rows.append((f"photographs: {group}", wanted, f"{right} of {there}, {false} false"))
        false = _added(ours)[2] / max(len(ours), 1)
        rows.append(("photographs: false positives a picture", f"{MOST_FALSE:g}", f"{false:.2f}"))
    if "pages" in found:
        counts = _summed(found["pages"]["counts"])
        large = [row for row in found["pages"]["counts"] if row["from"] >= HEIGHTS[1]]
        shown = [row for row in large if row["kind"] in DISPLAYS]
        rows += [
            (
                "digits of 14 pixels and more found and right, rendered",
                f"{TARGETS['right']:.0%}",
                _share(_summed(large)),
            ),
            ("the same, on displays", f"{TARGETS['displays']:.0%}", _share(_summed(shown))),
            (
                "false positives a page (of 14 pixels and more)",
                f"{TARGETS['false']:g}",
                f"{counts.false / _count(found['pages']):.2f} ({_summed(large).false / _count(found['pages']):.2f})",
            ),
        ]
    if "rejection" in found:
        accepted = found["rejection"]["accepted_clutter"]
        rows.append(("clutter accepted where 97 % of digits are", f"{TARGETS['rejection']:.0%}", f"{accepted:.2%}"))
    if "speed" in found and "reading" in found["speed"]:
        reading = found["speed"]["reading"]
        rows += [
            ("frames a second, 640x480, one core", f"{TARGETS['rate']:g}", f"{reading['frames_per_second']:g}"),
            ("p99 of a frame", f"{TARGETS['p99']:g} ms", f"{reading['p99_ms']:g} ms"),
        ]
    return rows


def _photographs(part: Record) -> str:
    times = _timed(part)
    groups: dict[tuple[str, str], list[Row]] = {}
    for score in part["scores"]:
        groups.setdefault((score["group"], score["reader"]), []).append(score)
    rows = []
    for (group, reader), scores in groups.items():
        there, right, false, outside = _added(scores)
        seconds = [f"{sum(score['seconds'] for score in scores) / len(scores):.3f}"] if times else []
        rows.append((group, reader, len(scores), f"{right} / {there}", false, outside, *seconds))
    names = ("photographs", "read by", "pictures", "right / there", "false positives in the grid", "outside")
    figures = table((*names, *(["s a picture"] if times else [])), rows, "llrrrrr")
    return texts.PHOTOGRAPHS.format(figures=figures, frames=FRAMES) + ("" if times else "\n" + texts.BUSY)


def _added(scores: Iterable[Row]) -> tuple[int, int, int, int]:
    """Return digits there and right, false positives, and readings outside of the grid."""
    rows = [(score["there"], score["right"], score["false"], score["outside"]) for score in scores]
    there, right, false, outside = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0, 0)
    return there, right, false, outside


def _pages(part: Record) -> str:
    counts, interval = part["counts"], part["right_ci95"]
    sizes = _by(part["pages"], lambda row: _size(row["size"]))
    said = " · ".join(f"{sum(row['pages'] for row in rows):,} of {size}" for size, rows in sizes.items())
    large = _summed(row for row in counts if row["from"] >= HEIGHTS[1])
    return texts.RENDERED.format(
        pages=_count(part),
        sizes=f"{said}.",
        right=_share(large),
        interval=f" (95 % interval {interval[0]:.2%} to {interval[1]:.2%}, pages drawn again)" if interval else "",
        kinds=_counted("kind", part, lambda row: str(row["kind"]), pages=True),
        heights=_counted("pixels", part, lambda row: _range(row["from"]), pages=False),
        by_size=_counted("size", part, lambda row: _size(row["size"]), pages=True),
    )


def _counted(title: str, part: Record, key: Callable[[Row], str], *, pages: bool) -> str:
    """Return a row of figures for each of what ``key`` tells apart."""
    groups = _by(part["counts"], key)
    counted = (
        {name: sum(row["pages"] for row in rows) for name, rows in _by(part["pages"], key).items()} if pages else {}
    )
    order = list(counted) if pages else [_range(height) for height in HEIGHTS]
    rows = []
    for name in order:
        own = _summed(groups.get(name, []))
        every = counted.get(name, _count(part))
        rows.append((name, *([every] if pages else []), own.digits, _percent(own.right, own.digits), own.mistaken,
                     f"{own.false / every:.2f}", f"{own.numbers_right} / {own.numbers}",
                     f"{own.signed_right} / {own.signed}"))  # fmt: skip
    names = (title, *(["pages"] if pages else []), "digits", "right", "another", "false a page", "whole numbers",
             "with signs")  # fmt: skip
    return table(names, rows, "l" + "r" * (len(names) - 1))


def _sheets(found: Record) -> str:
    kinds = [row["kind"] for row in found.get("pages", {}).get("pages", ())]
    paths = sorted(SHEETS.glob("*.jpg"), key=lambda path: kinds.index(path.stem) if path.stem in kinds else -1)
    if not paths:
        return ""
    pictures = (f"![{path.stem}](../pictures/camera/{path.name})\n*{path.stem}*" for path in paths)
    return texts.PICTURED.format(pictures="\n\n".join(pictures))


def _rejection(part: Record) -> str:
    names = ("accuracy", "threshold", "accepted_clutter", "clutter", "accepted_none", "calibration_error")
    return texts.REJECTED.format(crops=part["digits"] + part["nones"], **{name: part[name] for name in names})


def _still(part: Record) -> str:
    rows, costs = part["rows"], part["costs"]
    readers = list(dict.fromkeys(row["reader"] for row in rows))
    times = _timed(part)

    def right(pictures: str, reader: str, height: int | None = None) -> str:
        own = [
            row for row in rows
            if (row["pictures"], row["reader"]) == (pictures, reader) and height in (None, row["height"])
        ]  # fmt: skip
        return f"{sum(row['right'] for row in own)} / {sum(row['digits'] for row in own)}"

    def cost(reader: str, pictures: str) -> Row:
        return next(one for one in costs if (one["reader"], one["pictures"]) == (reader, pictures))

    heights = sorted({row["height"] for row in rows if row["pictures"] == VARIED})
    by_height = [(height, *(right(VARIED, reader, height) for reader in readers)) for height in heights]
    by_height.append(("all", *(right(VARIED, reader) for reader in readers)))
    taken = [
        (reader, own["looks"] or "", own["false"], *([f"{own['seconds']:.1f}"] if times else []),
         f"{own['peak_bytes'] / 1e6:,.0f} MB")
        for reader in readers for own in [cost(reader, VARIED)]
    ]  # fmt: skip
    others = []
    for pictures, title in ((SIXTY, "63 of 60 pixels"), (FULL, FULL), (FULL_SMALL, f"{FULL}, 640x480")):
        others.append(
            (title, *(f"{right(pictures, reader)} (+{cost(reader, pictures)['false']})" for reader in readers))
        )
    names = ("read by", "looks", "false positives", *(["s a picture"] if times else []), "peak memory")
    own = cost(readers[0], VARIED)
    return texts.STILL.format(
        count=own["count"],
        width=own["width"],
        height=own["height"],
        native=NATIVE,
        heights=table(("height", *readers), by_height, "r" * (1 + len(readers))),
        costs=table(names, taken, "l" + "r" * (len(names) - 1)) + ("" if times else "\n\n" + texts.BUSY.rstrip()),
        rows=table(("(+ false positives)", *readers), others, "l" + "r" * len(readers)),
    )


def _limits() -> str:
    rows = []
    for width, height in ((640, 480), (1280, 720), (1920, 1080), (WIDTH, HEIGHT)):
        cells = []
        for detail in (0.0, 0.5, 1.0):
            parts = looks(width, height, detail)
            cells.append(f"{14 * min(part.scale for part in parts):.0f} ({len(parts)})")
        rows.append((f"{width}x{height}", *cells))
    names = ("picture (looks)", "`--detail 0`, a video", "`--detail 0.5`", "`--detail 1`")
    return texts.LIMITS.format(native=NATIVE, limits=table(names, rows, "lrrr"))


def _speed(part: Record, before: Record | None = None) -> str:
    parts = {"here": part} | ({BEFORE: before} if before and "reading" in before else {})
    if "reading" not in part:
        return texts.SPEED.format(pages=part["pages"], times=texts.BUSY.rstrip(), memory=_memory(part["memory"]))
    rows = []
    for when, own in parts.items():
        reading = own["reading"]
        for shown, times in (("all", reading), *((f"to {row['up_to']}", row) for row in reading.get("by_digits", ()))):
            rate, p50, p99 = (times[name] for name in ("frames_per_second", "p50_ms", "p99_ms"))
            rows.append((when, shown, f"{times['frames']:,}", f"{rate:g}", f"{p50:.2f} ms", f"{p99:.2f} ms"))
    times = table(("", "digits shown", "frames", "frames a second", "p50", "p99"), rows, "llrrrr")
    times += "\n\n" + "; ".join(f"*{when}*: {_files(own)}" for when, own in parts.items()) + "."
    tables = "\n\n".join(_profile(own, name) for own in parts.values() for name in ("detector", "classifier"))
    said = texts.SPEED.format(pages=part["pages"], times=times, memory=_memory(part["memory"]))
    return said + texts.PROFILED.format(tables=tables)


def _files(part: Record) -> str:
    """Return which files read, told apart from those of the same name by how their digests begin."""
    own = (part[name] for name in ("detector", "classifier"))
    return " and ".join(f"`{one['file']}` ({one['form']}, {one['sha256'][:6]})" for one in own)


def _profile(part: Record, name: str) -> str:
    found = part["profiles"][name]
    rows = [
        (one["operator"], one["kernels"], f"{one['microseconds']:,.0f}", f"{one['share']:.0%}")
        for one in found["operators"]
    ]
    given = f", {found['crops']:g} crops at once on average" if "crops" in found else ", a frame of 640x480"
    rows.append(("all", sum(one["kernels"] for one in found["operators"]), f"{found['microseconds']:,.0f}", "100%"))
    return f"`{part[name]['file']}` ({part[name]['sha256'][:6]}){given}:\n\n" + table(
        ("operator", "kernels", "µs", "share"), rows, "lrrr"
    )


def _memory(found: Row) -> str:
    resident = found["resident"]
    first, last = resident[0], resident[-1]
    grown = (last["bytes"] - first["bytes"]) / 1e6
    level = "level" if last["bytes"] - first["bytes"] < LEAST_LEVEL else "**not level**"
    return (
        f"Over {found['frames']:,} frames of {found['sizes']} sizes, {found['narrowest']} to {found['widest']} pixels "
        f"wide, in turn, memory is {level}:\n{first['bytes'] / 1e6:.1f} MB are resident after {first['frames']:,} of "
        f"them, {last['bytes'] / 1e6:.1f} MB at the end ({grown:+.1f} MB)."
    )


def _measured(found: Record) -> str:
    """Return on what each part was measured; parts that have it in common share a row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    old = found.get(BEFORE, {})
    parts = {part: found[part] for part in PARTS if part in found}
    parts |= {f"{part}, before": old[part] for part in PARTS if part in old}
    for part, own in parts.items():
        packages = ", ".join(f"{name} {version}" for name, version in own["versions"].items())
        files = ", ".join(f"{own[name]['file']} ({own[name]['sha256'][:12]})" for name in ("detector", "classifier"))
        busy = "unknown" if own["busy"] is None else f"{own['busy']:.0%}"
        key = (f"{own['processor']}, {own['threads']} threads", own["date"], packages, files)
        rows.setdefault(key, []).append(f"{part} ({busy})")
    names = ("part (what others used of the machine)", "machine", "date", "versions", "files (SHA-256)")
    return table(names, [(", ".join(parts), *key) for key, parts in rows.items()], "lllll")


def _timed(part: Record) -> bool:
    costs: Iterable[Row] = part.get("scores", part.get("costs", ()))
    return all(one["seconds"] is not None for one in costs)


def _by(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _summed(rows: Iterable[Row]) -> Counts:
    names = Counts.__dataclass_fields__
    return sum((Counts(**{name: row[name] for name in names}) for row in rows), Counts())


def _count(part: Record) -> int:
    return sum(row["pages"] for row in part["pages"])


def _share(counts: Counts) -> str:
    return f"{_percent(counts.right, counts.digits)} of {counts.digits:,}"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "–"


def _size(size: Sequence[int]) -> str:
    return "x".join(map(str, size))


def _range(least: int) -> str:
    above = next((height for height in HEIGHTS if height > least), None)
    return f"{least or 10} to {above}" if above else f"{least} and more"

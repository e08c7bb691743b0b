"""The documentation runs: README blocks, and the commands' page is what the commands say."""

import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

from programs import program

from edgecnn import recipes
from edgecnn.recipes.schema import Recipe, Rest
from edgecnn.zoo import models_in

ROOT = Path(__file__).resolve().parents[1]


def _script(name: str) -> ModuleType:
    return program(f"tools/docs/{name}_page.py")


def test_the_results_page_is_made_from_the_records() -> None:
    page = (ROOT / "docs" / "results" / "accuracy.md").read_text(encoding="utf-8")
    assert page == _script("results").page(), "run: make docs"
    assert [name for name in recipes.names() if f"`{name}`" not in page] == []


def test_a_record_holds_what_the_run_measured(run: Path, data_root: Path) -> None:
    """The run's recipe is not the package's, and the record says in what."""
    record = _script("results").record(run, data_root)
    assert record["recipe"] == "digits-compact"
    assert "data.subset = 800" in record["changes"]
    assert record["test"]["images"] == 359
    assert record["test"]["accuracy"] > 0.5
    assert len(record["log"]["rows"]) == record["epochs"] == 8


def test_the_statistics_page_has_what_its_script_finds() -> None:
    """One row, drawn again from its seeds, and what all of them have to hold."""
    page = (ROOT / "docs" / "results" / "statistics.md").read_text(encoding="utf-8")
    script = _script("statistics")
    row = [script.coverage(500, flips, 0.5) for flips in script.FLIPS]
    assert f"| 500 | {' | '.join(f'{before:.1f} → {now:.1f}' for before, now in row)} |" in page
    held, rest = page.split("## How often the verdict")
    assert min(float(now) for now in re.findall(r"→ (\d+\.\d)", held)) >= 93
    at_the_margin = rest.split("## What becomes")[0]
    assert max(float(now) for now in re.findall(r"→ (\d+\.\d\d)", at_the_margin)) <= 2.75
    row = [script.verdicts(1_000, script.ALLOWED, won) for won in script.WON]
    cells = (f"{found['before']:.1f} → {found['within']:.2f}" for found in row)
    assert f"| 1,000 | {' | '.join(cells)} |" in at_the_margin
    passed, uncorrected, corrected = script.classes(1_000, 10)
    assert f"| 1,000 | {passed:.1f} | {uncorrected:.1f} → {corrected:.1f} | " in rest


def test_the_reliability_page_is_made_from_the_records() -> None:
    page = (ROOT / "docs" / "results" / "reliability.md").read_text(encoding="utf-8")
    assert page == _script("reliability").page(), "run: make docs"


def test_no_fault_that_was_tried_has_shown_a_traceback_a_hang_or_half_a_file() -> None:
    reliability = _script("reliability")
    found = {path.stem: path for path in reliability.RECORDS.glob("*.json") if path.name != reliability.TRACE}
    assert {"kills", "full", "read-only", "vanished", "output"} <= set(found)
    assert sum(record["tried"] for record in reliability.records(found["kills"])) >= 100
    bad = re.compile(r"traceback|half a file|left over|hung|hang|crash", re.IGNORECASE)
    outcomes = [
        outcome for path in found.values() for record in reliability.records(path)
        for outcome, count in record["seen"].items() if count
    ]  # fmt: skip
    assert [outcome for outcome in outcomes if bad.search(outcome.replace("nothing left over", ""))] == []


def test_the_page_on_data_sets_is_made_from_its_record_and_every_planted_leak_was_found() -> None:
    script = _script("data")
    assert (ROOT / "docs" / "results" / "data.md").read_text(encoding="utf-8") == script.page()
    found = json.loads(script.RECORD.read_text(encoding="utf-8"))
    assert (found[script.PLANTED]["counts"]["test in train"], found[script.PLANTED]["code"]) == ([2, 3], 1)
    assert (found["mnist"]["leaked"], found["mnist"]["code"]) == (0, 0)


def test_the_page_on_files_of_others_is_made_from_its_record() -> None:
    script = _script("adopted")
    assert (ROOT / "docs" / "results" / "adopted.md").read_text(encoding="utf-8") == script.page()
    rows = json.loads(script.RECORD.read_text(encoding="utf-8"))
    taken = [row for row in rows if row["refused"] is None]
    assert len(taken) >= 8
    assert [row["title"] for row in taken if (row["bench"], row["embed"]) != ("ran", "self-test passed")] == []


def test_the_page_on_c99_is_made_from_its_record_and_nothing_in_it_failed() -> None:
    script = _script("c99")
    assert (ROOT / "docs" / "results" / "c99.md").read_text(encoding="utf-8") == script.page()
    rows = [script.Row(**row) for row in json.loads(script.RECORD.read_text(encoding="utf-8"))["rows"]]
    assert {"mnist-small", "mnist-compact"} <= {row.model for row in rows}
    assert {(row.host, row.cortex_m, row.same) for row in rows} == {("passed", "passed", 1_000)}


def test_the_page_on_bench_is_made_from_its_record_and_bench_was_right_as_often_as_it_says() -> None:
    script = _script("bench_trials")
    assert (ROOT / "docs" / "results" / "bench-trials.md").read_text(encoding="utf-8") == script.page()
    trials = script.documents.read(script.Trials, script.RECORD).trials
    said = {kind: [trial.verdict for trial in trials if trial.kind == kind] for kind in script.TITLES}
    same, slowed = said["same"], said["slowed"]
    assert len(same) >= 20
    assert same.count("faster") + same.count("slower") <= max(1, 0.05 * len(same))
    assert 2 * same.count("same") >= len(same)
    assert slowed.count("same") + slowed.count("faster") == 0


def test_the_page_on_a_study_by_ray_is_made_from_its_record_and_nothing_in_it_failed() -> None:
    script = _script("scale_study")
    assert (ROOT / "docs" / "results" / "scale-study.md").read_text(encoding="utf-8") == script.page()
    assert program("tools/study_trial.py").passed(script.documents.read(script.StudyTrial, script.RECORD))


def test_the_page_on_searches_is_made_from_its_record_and_what_they_trained_is_as_it_has_to_be() -> None:
    script = _script("search")
    assert (ROOT / "docs" / "results" / "search.md").read_text(encoding="utf-8") == script.page()
    found = script.documents.read(script.SearchTrial, script.RECORD)
    assert program("tools/search_trial.py").passed(found)
    assert all(one.epochs < found.epochs_of_all for one in found.found)


def test_the_page_on_techniques_is_made_from_its_studies_and_tells_apart_what_can_be() -> None:
    script = _script("techniques")
    assert (ROOT / "docs" / "results" / "techniques.md").read_text(encoding="utf-8") == script.page()
    found = script.difference([3.0, 4.0, 5.0], [1.0, 3.0, 3.5])
    assert (found.mean, found.verdict) == (1.5, "pays")  # each of 2, 1, 1.5 points: a standard error of 0.289
    assert (round(found.low, 3), round(found.high, 3)) == (0.258, 2.742)
    assert script.difference([1.0, 2.0, 3.0], [2.0, 2.1, 3.2]).verdict == "is not told apart from nothing"
    assert script.difference([1.0, 2.0, 3.0], [2.0, 3.0, 4.1]).verdict == "costs"


def test_the_page_on_peers_is_made_from_its_record_with_a_picture_of_each_data_set() -> None:
    script = _script("peers")
    page = (ROOT / "docs" / "results" / "peers.md").read_text(encoding="utf-8")
    assert page == script.page()
    boards = script.boards(script.documents.read(script.Record, script.RECORD))
    assert all(f"](../pictures/peers/{dataset}.png)" in page for dataset in boards)
    assert all((script.PICTURES / f"{dataset}.png").exists() for dataset in boards)
    assert {row.model for board in boards.values() for row in board.rows if row.form == "published"} == {
        peer.name for peer in script.PEERS if peer.network
    }


def test_the_page_on_targets_is_made_from_its_records_and_every_target_says_where_it_stands() -> None:
    script = _script("targets")
    page = (ROOT / "docs" / "results" / "targets.md").read_text(encoding="utf-8")
    assert page == script.page()
    wanted = script.tomllib.loads(script.TARGETS.read_text(encoding="utf-8"))["target"]
    assert all(each["asked"] and each["before"] and each["reached"] and each["remark"] for each in wanted)
    assert page.count("\n| ") == len(wanted) + 1


def test_the_page_on_many_processes_is_made_from_its_record_and_nothing_in_it_failed() -> None:
    script, tool = _script("torchrun"), program("tools/torchrun_trial.py")
    assert (ROOT / "docs" / "results" / "many-processes.md").read_text(encoding="utf-8") == script.page()
    found = script.documents.read(tool.Trial, script.RECORD)
    assert found.plan == tool.WHOLE
    assert tool.failures(found) == []


def test_the_page_on_more_than_memory_is_made_from_its_record_and_nothing_in_it_failed() -> None:
    script, tool = _script("stream"), program("tools/stream_trial.py")
    assert (ROOT / "docs" / "results" / "more-than-memory.md").read_text(encoding="utf-8") == script.page()
    found = script.documents.read(tool.Trial, script.RECORD)
    assert found.plan == tool.WHOLE
    assert {(arm.form, arm.place) for arm in found.arms} == {
        (form, place) for form in ("tar", "parquet") for place in (tool.HERE, tool.THERE)
    }
    assert tool.failures(found) == []


def test_the_commands_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert page == _script("commands").page(), "run: make docs"


def test_the_json_page_is_up_to_date_and_explains_nothing_that_is_gone() -> None:
    script = _script("json")
    assert (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8") == script.page(), "run: make docs"
    assert script.stale(tomllib.loads(script.TEXTS.read_text(encoding="utf-8"))) == []


def test_every_command_with_json_is_on_the_json_page() -> None:
    pages = ((ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in ("commands.md", "json.md"))
    commands, page = pages
    printing = [section.split("\n")[0] for section in commands.split("## edgecnn ")[1:] if "--json" in section]
    assert len(printing) > 12
    assert [name for name in printing if not re.search(rf"^## {name}\b", page, re.M)] == []


def test_the_recipes_page_is_up_to_date_and_has_every_key() -> None:
    page = (ROOT / "docs" / "reference" / "recipes.md").read_text(encoding="utf-8")
    assert page == _script("recipes").page(), "run: make docs"
    tables = {field.annotation for field in Recipe.model_fields.values()} | {Rest}
    keys = [key for table in (Recipe, *tables) for key in getattr(table, "model_fields", {})]
    assert [key for key in keys if f"| `{key}` |" not in page and f"## [{key}]" not in page and key != "rest"] == []


def test_the_results_page_says_which_run_a_model_of_the_zoo_is() -> None:
    page = (ROOT / "docs" / "results" / "accuracy.md").read_text(encoding="utf-8")
    for name in (model.name for model in models_in(ROOT / "exported") if model.name != "digit-finder"):
        assert re.search(
            rf"The zoo's \[{name}\]\(\S+\) is (that of seed \d+ above|another run, with seed \d+ on )", page
        ), name

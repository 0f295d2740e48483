"""The ablation panel, used by setting its traits and clicking its buttons."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vosedu import ablation, api
from vosedu.ablation.panel import Panel
from vosedu.papers.cosnet.ablations import PRIOR

pytestmark = pytest.mark.usefixtures("trainings")


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return Panel("cosnet", "1", out_dir=tmp_path, committed=())


def wait(panel: Panel) -> None:
    """Until the training that a click started is over."""
    deadline = time.monotonic() + 300
    while panel.start.disabled:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_starts_at_the_full_row_as_the_table_has_it(panel: Panel) -> None:
    assert panel.row.value == "symmetric (Eq. 4)"
    assert panel.change == {"prior": PRIOR}
    assert panel.chosen is api.paper("cosnet").table("1").row("symmetric (Eq. 4)")
    assert "not run here" in panel.shown.value


def test_three_clicks_train_a_row_and_put_its_difference_into_the_table(
    panel: Panel, trainings: list[int]
) -> None:
    panel.row.value = "no co-attention"
    panel.seeds.value = 2
    panel.start.click()
    wait(panel)
    assert panel.status.value == "no co-attention: 2 seeds done"
    assert trainings == [0, 0, 1, 1]  # paired: the base row with every seed
    line = panel.results().loc["no co-attention"]
    assert line["DAVIS16 J"] == "71.3 (-9.20)"
    assert line["difference, mixed"].endswith("(2 seeds)")
    assert line["difference, mixed"] in panel.shown.value
    assert bytes(panel.curve.value).startswith(b"\x89PNG")


def test_what_the_button_does_is_the_call_that_is_shown(panel: Panel) -> None:
    panel.row.value = "no co-attention"
    panel.seeds.value = 1
    assert panel.change == {"affinity": "none", "references": 0, "prior": PRIOR}
    panel.run()
    shown = panel.call()
    (record,) = eval(shown, {"ablation": ablation, "range": range})
    (ours,) = panel.store.find(row="no co-attention")
    assert record.hashes == ours.hashes
    assert record.metrics["J"] == pytest.approx(ours.metrics["J"], abs=1e-5)
    assert "affinity" in panel.code.value


def test_the_call_says_where_the_table_cuts_its_masks(tmp_path: Path) -> None:
    panel = Panel("dpa", "1", out_dir=tmp_path, committed=())
    assert panel.call().endswith('threshold="cross-validated")')


def test_any_field_can_be_edited_and_the_row_is_named_after_it(panel: Panel) -> None:
    panel.forms["config"].fields["softmax"].value = "double"
    panel.forms["inference"].fields["references"].value = 2
    panel.forms["recipe"].fields["lr"].value = 0.01
    panel.forms["inference"].fields["size"].value = "(48, 64)"
    assert panel.change == {
        "softmax": "double",
        "references": 2,
        "prior": PRIOR,
        "inference.size": (48, 64),
        "lr": 0.01,
    }
    panel.seeds.value = 1
    panel.run()
    found = panel.results()
    label = next(name for name in found.index if name.startswith("softmax = double"))
    for edit in ("references = 2", f"prior = {PRIOR}", "inference.size = (48, 64)", "lr = 0.01"):
        assert edit in label
    record = panel.store.find(seed=0)[-1]
    assert record.config["softmax"] == "double"
    assert record.recipe["stages"][-1]["lr"] == 0.01
    assert record.inference["size"] == (48, 64)


def test_texts_offer_what_the_paper_knows(panel: Panel) -> None:
    fields = panel.forms["config"].fields
    assert set(fields["affinity"].options) == {"symmetric", "vanilla", "channelwise", "none"}
    assert "double" in fields["softmax"].options
    assert "prediction" in panel.forms["inference"].fields["fusion"].options


def test_another_profile_keeps_the_edits(panel: Panel) -> None:
    panel.forms["config"].fields["gate"].value = "open"
    panel.profile.value = "ablate"
    assert panel.change == {"gate": "open", "prior": PRIOR}
    assert panel.forms["config"].fields["channels"].value == 64
    assert 'profile="ablate"' in panel.call()


@pytest.mark.parametrize(
    "part, field, value, said",
    [
        ("inference", "references", -1, "cannot use -1 references"),
        ("config", "size", "48 x 80", "is no value for"),
    ],
)
def test_a_bad_value_is_told_and_the_panel_goes_on(panel, part: str, field: str, value, said: str):
    panel.seeds.value = 1
    panel.forms[part].fields[field].value = value
    panel.start.click()
    wait(panel)
    assert said in panel.status.value
    panel.row.value = "vanilla (Eq. 3)"
    panel.start.click()
    wait(panel)
    assert panel.status.value == "vanilla (Eq. 3): 1 seeds done"


def test_a_row_may_name_a_value_that_the_base_has_anyway(tmp_path) -> None:
    panel = Panel(api.paper("deaot"), "3b", out_dir=tmp_path)
    panel.row.value = "AOT, 1 head"
    assert panel.chosen == api.paper("deaot").table("3b").row("AOT, 1 head")
    panel.forms["config"].fields["heads"].value = 2
    assert "heads = 2" in panel.chosen.label


def test_stop_ends_a_training(panel: Panel) -> None:
    panel.row.value = "vanilla (Eq. 3)"
    panel.forms["recipe"].fields["steps"].value = 100_000
    panel.seeds.value = 1
    panel.start.click()
    while "of 100002" not in panel.status.value:
        assert panel.start.disabled
        time.sleep(0.02)
    panel.stop.click()
    wait(panel)
    assert panel.status.value.startswith("stopped")


def test_committed_records_are_joined_and_not_trained_again(
    panel: Panel, tmp_path: Path, trainings: list[int]
) -> None:
    panel.run()
    assert trainings == [0, 1]
    committed = list(panel.store)
    joined = Panel("cosnet", "1", out_dir=tmp_path / "joined", committed=committed)
    joined.row.value = "no co-attention"
    joined.run()
    assert trainings == [0, 1, 0, 1]
    assert joined.results().loc["symmetric (Eq. 4)", "our J, mixed"] != "not run here"


def test_own_clips_are_scored_in_place_of_a_suite(tmp_path: Path, clips) -> None:
    panel = Panel("cosnet", "1", out_dir=tmp_path, committed=(), clips=clips[:1])
    panel.seeds.value = 1
    panel.run()
    (record,) = panel.store
    assert (record.suite, len(record.metrics["J"])) == ("own clips", 1)
    assert "our J, own clips" in panel.results().columns


def test_the_export_holds_results_records_and_curves(panel: Panel, tmp_path: Path) -> None:
    panel.seeds.value = 1
    panel.run()
    panel.save.click()
    folder = tmp_path / "export-01"
    assert {path.name for path in folder.iterdir()} == {"results.csv", "records.json", "loss.csv"}
    assert len(ablation.Store(folder / "records.json")) == 1
    assert len(pd.read_csv(folder / "loss.csv")) == 6
    results = pd.read_csv(folder / "results.csv", index_col=0)
    assert "not run here" in results["our J, mixed"].tolist()
    panel.save.click()
    assert (tmp_path / "export-02").is_dir()


def test_it_displays_with_its_picture_beside_it(panel: Panel, tmp_path: Path) -> None:
    from base64 import b64decode
    from io import BytesIO

    panel.row.value = "no co-attention"
    panel.run()
    bundle, _ = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert Image.open(BytesIO(b64decode(bundle["image/png"]))).size[0] > 600
    curves, forest = panel.figure().axes
    assert len(curves.lines) == 4
    assert "no co-attention" in [label.get_text() for label in forest.get_yticklabels()]


def test_menus_hold_every_name_that_build_accepts(panel: Panel) -> None:
    menus = {name: set(field.options) for name, field in texts(panel, "config").items()}
    assert menus["gate"] == {"biased", "unbiased", "open"}
    assert menus["softmax"] == {"single", "double"}
    assert {"uniform", "random", "consecutive"} <= set(
        panel.forms["inference"].fields["sampling"].options
    )


def texts(panel: Panel, part: str) -> dict:
    """The menus of a form."""
    return {
        name: field for name, field in panel.forms[part].fields.items() if hasattr(field, "options")
    }


def test_an_edit_clears_what_was_said_of_an_earlier_run(panel: Panel) -> None:
    panel.status.value = "stopped; start again to go on from the last saved step"
    panel.forms["config"].fields["gate"].value = "open"
    assert panel.status.value == ""


def test_curves_of_another_profile_are_not_drawn(panel: Panel) -> None:
    for profile, row in (("quick", "a"), ("ablate", "b"), ("quick", "c")):
        for seed in (0, 1):
            panel._curves[profile, row, seed] = np.linspace(1, 0, 40)
    panel.profile.value = "quick"
    axes = panel.figure().axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "c"]
    assert len(axes.lines) == 4
    assert len({(line.get_color().tobytes(), line.get_linestyle()) for line in axes.lines}) == 2


def test_suites_on_which_nothing_was_run_take_no_columns(panel: Panel) -> None:
    assert "our J, passers-by" in panel.results().columns
    assert "our J, passers-by" not in panel.shown.value
    assert "our J, mixed" in panel.shown.value

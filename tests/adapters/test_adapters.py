"""Every shipped adapter is complete, and every role of it renders."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alphalab_nb.adapter import FILES, Adapter, copy_adapter, load_builtin
from alphalab_nb.config import load_config
from alphalab_nb.errors import AdapterInvalid, ConfigError, UnknownDomain
from alphalab_nb.resources import shipped

DOMAINS = sorted(path.parent.name for path in shipped("adapters").glob("*/manifest.yaml"))
EXAMPLES = sorted(shipped("adapters").glob("*/examples/*.yaml"))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_shipped_adapter_validates_and_every_prompt_renders(domain: str):
    adapter = load_builtin(domain)
    adapter.validate()
    task = {**adapter.manifest.task, "horizon": 24, "season": 168}
    for name in FILES:
        if name.endswith(".md"):
            text = adapter.render(name, objective="forecast", task=task, metric=adapter.metric(task))
            assert text.strip(), name
            assert "{{" not in text, name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_valid_campaign_file(path: Path):
    config = load_config(path)
    adapter = load_builtin(config.domain)
    assert set(config.task) <= set(adapter.manifest.task)


def test_time_series_ships_at_least_eight_families():
    assert len(load_builtin("time_series").recipes()) >= 8


def test_an_adapter_with_a_missing_file_names_it(tmp_path: Path):
    copy_adapter(load_builtin("time_series"), tmp_path / "mine")
    (tmp_path / "mine" / "phase2_critic.md").unlink()
    with pytest.raises(AdapterInvalid, match=r"phase2_critic\.md is missing"):
        Adapter(tmp_path / "mine").validate()


def test_an_unknown_key_in_the_manifest_is_refused(tmp_path: Path):
    copy_adapter(load_builtin("time_series"), tmp_path / "mine")
    manifest = tmp_path / "mine" / "manifest.yaml"
    values = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    manifest.write_text(yaml.safe_dump({**values, "metrik": "rmse"}), encoding="utf-8")
    with pytest.raises(AdapterInvalid, match="metrik"):
        Adapter(tmp_path / "mine")


def test_families_narrow_the_recipes_and_a_wrong_one_names_the_nearest():
    adapter = load_builtin("time_series")
    assert [recipe.family for recipe in adapter.recipes(["ets", "drift"])] == ["drift", "ets"]
    with pytest.raises(ConfigError, match="no recipe 'dritf' - did you mean 'drift'"):
        adapter.recipes(["dritf"])


def test_a_family_that_cannot_run_here_says_what_it_needs(tmp_path: Path):
    adapter = copy_adapter(load_builtin("time_series"), tmp_path / "mine")
    path = adapter.root / "recipes" / "drift" / "recipe.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("requires: []", "requires: [not_on_this_machine]"), encoding="utf-8")
    assert "drift" not in [recipe.family for recipe in adapter.recipes()]
    with pytest.raises(ConfigError, match="drift needs not_on_this_machine; install it"):
        adapter.recipes(["drift"])


def test_a_branch_that_a_person_chooses_comes_with_its_defaults():
    ensemble = next(recipe for recipe in load_builtin("time_series").recipes() if recipe.family == "ensemble")
    full = ensemble.complete({"combine": "fitted", "members": [1, 2]}, {})
    assert (full["members"], full["combine"]) == ([1, 2], "fitted")
    assert {"shrink", "held_share"} <= set(full)
    assert not {"shrink", "held_share"} & set(ensemble.default({}))


def test_flips_change_one_choice_each_and_follow_its_branch():
    ensemble = next(recipe for recipe in load_builtin("time_series").recipes() if recipe.family == "ensemble")
    start = ensemble.complete({"members": [1, 2]}, {})
    flips = list(ensemble.flips(start, {}))
    assert [(name, config["combine"]) for name, config in flips] == [("combine", "median"), ("combine", "fitted")]
    assert "shrink" not in flips[0][1]
    assert "shrink" in flips[1][1]
    assert all(config["members"] == [1, 2] for _, config in flips)


def test_an_unknown_domain_names_the_nearest():
    with pytest.raises(UnknownDomain, match="time_series"):
        load_builtin("timeseries")

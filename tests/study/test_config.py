import pytest

from mattomo import InputError
from mattomo.materials import PAPER_PROPERTIES, PAPER_TARGETS
from mattomo.study.config import KEYS, read_config, study_config

BASE = {"data": "mp1000", "targets": ["band_gap"], "properties": ["density"]}


def test_paper_protocol_holds_the_papers_choices():
    config = study_config({"data": "mp1000", "protocol": "ortega-ochoa-2025"})
    assert config.targets == PAPER_TARGETS
    assert len(config.targets) == 9
    assert config.properties == PAPER_PROPERTIES
    assert len(config.properties) == 13
    assert (config.epochs, config.batch_size, config.learning_rate, config.momentum) == (500, 256, 0.01, 0.9)
    assert config.seeds == (0, 1, 2, 3, 4)
    assert config.fractions == (0.6, 0.2, 0.2)
    assert config.representations == ("composition", "structure")


def test_explicit_keys_win_over_the_protocol():
    config = study_config({"data": "mp1000", "protocol": "ortega-ochoa-2025", "epochs": 3, "seeds": 2})
    assert config.epochs == 3
    assert config.seeds == (0, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epoch": 3}, ["s.toml", "'epoch'", "unknown key", "Did you mean 'epochs'"]),
        ({"zzz": 3}, ["'zzz'", "Keys are"]),
        ({"epochs": "many"}, ["'epochs'", "'many'", "int"]),
        ({"epochs": 0}, ["'epochs'", "0", "positive"]),
        ({"batch_size": 1}, ["'batch_size'", "two crystals"]),
        ({"momentum": 1.0}, ["'momentum'", "1.0"]),
        ({"representations": ["formula"]}, ["'representations'", "formula"]),
        ({"fractions": [0.6, 0.2, 0.3]}, ["'fractions'", "sum to 1"]),
        ({"seeds": [1, 1]}, ["'seeds'", "twice"]),
        ({"targets": []}, ["'targets'", "empty"]),
        ({"split": "stratified"}, ["'split'", "'stratified'", "column:NAME"]),
        ({"protocol": "paper"}, ["'protocol'", "'paper'", "ortega-ochoa-2025"]),
    ],
)
def test_a_wrong_choice_is_one_clear_error(change, words):
    with pytest.raises(InputError) as caught:
        study_config({**BASE, **change}, file="s.toml")
    for word in ("s.toml", *words):
        assert word in str(caught.value)


def test_missing_keys_are_named():
    with pytest.raises(InputError, match=r"'targets'.*needs this key.*protocol"):
        study_config({"data": "mp1000", "properties": ["density"]})


def test_file_and_overrides(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('data = "table.csv"\ntargets = ["band_gap"]\nproperties = ["density"]\nepochs = 7\n')
    (tmp_path / "table.csv").write_text("formula,band_gap\n")
    config = read_config(path, {"epochs": 9, "seeds": None})
    assert config.data == str(tmp_path / "table.csv")
    assert config.epochs == 9


@pytest.mark.parametrize("text", ["data = ", "\x00", "[[["])
def test_broken_toml(tmp_path, text):
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"s\.toml: this is not TOML"):
        read_config(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such study file"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(InputError, match="a folder"):
        read_config(tmp_path)


def test_every_key_is_documented():
    doc = study_config.__globals__["StudyConfig"].__doc__
    for key in KEYS:
        assert key in doc

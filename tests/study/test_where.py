import mattomo as mt
from mattomo.subsets import Subsets


def test_a_condition_may_name_a_class_that_it_leaves_out():
    study = mt.Study(
        "mp1000",
        targets=["band_gap"],
        properties=["density"],
        learners=["trees"],
        seeds=1,
        where="crystal_system != Cubic",
    )
    prepared = study.plan().prepared
    assert len(prepared.materials) == len(study.materials) < 1000
    assert "Cubic" not in prepared.materials.columns["crystal_system"].values
    assert prepared.notices[0] == "only materials where crystal_system != Cubic"
    narrower = study.restricted("crystal_system != Hexagonal and elements has O")
    assert 0 < len(narrower.plan().prepared.materials) < len(prepared.materials)
    both = Subsets(study, ["no cubic: crystal_system != Cubic", "oxides: elements has O"])
    planned, inside = both.transfer_plan()
    assert inside["no cubic"].all()
    kept = planned.prepared.materials.compositions.formulas[inside["oxides"]]
    assert len(kept) == len(both.studies["oxides"].materials)
    assert all("O" in formula for formula in kept)

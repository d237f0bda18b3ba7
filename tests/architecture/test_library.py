import pytest

from nat_core.architecture.library import find, library


def test_every_entry_has_a_source_and_every_origin_exists():
    assert len(library()) == 36
    for entry in library().values():
        assert entry.source
        assert entry.derived_from is None or entry.derived_from in library()
        assert (entry.method is None) == (entry.derived_from is None)


def test_topology_is_everything_but_the_operations():
    darts, other = find("DARTS").architecture, find("PC_DARTS_CIFAR").architecture
    emptied = darts.with_operations(["null"] * len(darts.operations))
    assert emptied != darts and emptied.topology == darts.topology
    assert other.topology != darts.topology


def test_a_transformed_cell_keeps_its_origins_topology():
    for entry in library().values():
        if entry.derived_from:
            origin = library()[entry.derived_from].architecture
            assert [c.output for _, c in entry.architecture.cells] == [c.output for _, c in origin.cells]


def test_published_results_carry_their_paper():
    darts = library()["DARTS_V2"].published
    assert (darts.test_error_percent, darts.dataset) == (2.76, "CIFAR-10")
    assert "ICLR 2019" in darts.cited_in


def test_names_are_found_in_any_capitalisation_and_near_misses_are_suggested():
    assert find("nasnet-a").name == "NASNet-A"
    with pytest.raises(ValueError, match="did you mean DARTS"):
        find("DARTZ")
    with pytest.raises(ValueError, match=r"accepted: one of its .* names, such as"):
        find("?" * 1000)

import pytest

from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import WEIGHTS, PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy

DARTS = library()["DARTS"].architecture
CELL = parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|nor_conv_1x1~2|")
CONFIG = PolicyConfig(width=8, layers=1, embedding=4, key=4)


@pytest.fixture
def root(tmp_path):
    for name, space in (("bench", "nasbench201"), ("darts", "fully_concat")):
        save_policy(tmp_path / name, Policy(CONFIG), PolicyCard(space, "nat++", CONFIG))
    return tmp_path


def test_the_policy_of_an_architectures_space_is_chosen(root):
    assert list(catalogue.fitting(root, DARTS)) == ["darts"]
    assert catalogue.load_for(root, CELL)[1].space == "nasbench201"
    assert catalogue.load_for(root, DARTS, "darts")[1].space == "fully_concat"
    assert catalogue.load_for(root, DARTS, str(root / "darts"))[1].space == "fully_concat"


def test_a_loaded_policy_is_remembered_until_its_file_changes(root):
    first, card = catalogue.load_for(root, DARTS)
    assert catalogue.load_for(root, DARTS)[0] is first
    save_policy(root / "darts", Policy(CONFIG), card)
    assert catalogue.load_for(root, DARTS)[0] is not first


def test_what_does_not_fit_is_refused_in_one_sentence(root):
    enas = library()["ENAS"].architecture
    with pytest.raises(ValueError, match=r"No policy for Loose-end \(ENAS-like\) architectures is here yet"):
        catalogue.load_for(root, enas)
    with pytest.raises(ValueError, match="the policy 'bench' does not fit: NAS-Bench-201 needs a single cell"):
        catalogue.load_for(root, DARTS, "bench")
    with pytest.raises(
        ValueError, match="no policy 'nowhere'; accepted: bench, darts, a policy's folder, or its archive"
    ):
        catalogue.load_for(root, DARTS, "nowhere")


def test_broken_policies_are_left_out_and_refused_by_name(root):
    weights = root / "darts" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match="truncated or not a safetensors file"):
        catalogue.load_for(root, DARTS, "darts")
    (root / "darts" / "card.json").write_text("{")
    assert list(catalogue.cards(root)) == ["bench"]
    assert "policies here: NAS-Bench-201." in catalogue.why_none_fits(root, DARTS)


def test_an_architecture_of_no_space_says_so(root):
    assert "belongs to no space" in catalogue.why_none_fits(root, parse("|none~0|+|none~0|none~1|"))


def test_the_benchmark_judges_its_own_cells_only(root):
    card = catalogue.load_for(root, CELL)[1]
    assert catalogue.accuracy_source(card, CELL).kind == "tabular"
    assert catalogue.accuracy_source(card, DARTS) is None

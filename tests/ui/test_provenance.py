from ui.provenance import about


def test_a_paper_s_result_says_where_it_is_from_and_what_kind_it_is():
    assert about("DARTS").startswith("Accuracy 97.24 % on CIFAR-10 test (published: DARTS (Liu et al., ICLR 2019)")


def test_a_published_transformation_that_obeys_its_rule_is_not_flagged():
    text = about("NATv2_DARTS")
    assert text.startswith("What NAT++ made of DARTS") and "Outside the rule" not in text


def test_one_outside_its_own_rule_is_flagged_with_every_change():
    text = about("NATv2_NAONet")
    assert "What NAT++ made of NAONet" in text and "Outside the rule" in text and "→" in text


def test_other_inputs_have_no_line():
    assert about("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|") == ""

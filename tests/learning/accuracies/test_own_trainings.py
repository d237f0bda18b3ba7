"""Own tables as rewards."""

import numpy as np
import pandas as pd
import pytest

from nat_core.architecture import notation
from nat_core.learning.accuracies.own_trainings import model_of_files, model_of_tables
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from tests.learning.accuracies.trained import SPACE, table


def test_files_become_a_model_with_what_the_shipped_students_say(tmp_path):
    path, found = tmp_path / "mine.csv", table(40)
    texts = [notation.shortest(item) for item in found.architectures]
    pd.DataFrame({"genotype": texts, "accuracy": found.accuracies_percent}).to_csv(path, index=False)
    model, judged = model_of_files((path,), SPACE.name)
    assert model.about == "the trainings of mine" and [source.rows for source in model.sources] == [40]
    assert model.students == shipped_trainings_model(SPACE.name).students
    assert judged.quality.rows == 40 and model_of_files((path,), SPACE.name)[0] is model
    small = table(60, seed=2, name="small", noise=3.0, shift=-17.0)
    both, _ = model_of_tables([small.chosen(np.arange(60) < 30), found], SPACE.name)
    assert [(source.name, source.use) for source in both.sources] == [("mine", "fitted"), ("small", "what others lack")]
    with pytest.raises(ValueError, match="cannot be read"):
        model_of_files((tmp_path / "none.csv",), SPACE.name)

"""Own tables as rewards."""

import pandas as pd
import pytest

from nat_core.architecture import notation
from nat_core.learning.accuracies.own_trainings import model_of_files
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
    with pytest.raises(ValueError, match="cannot be read"):
        model_of_files((tmp_path / "none.csv",), SPACE.name)

"""MLflow's client, made to fail in one way: what keeps a record from being read or written is an OSError."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

# What is wrong with a question, not with the record.
_ANSWERS = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS")


class _Client:
    """Every method of MLflow's client under its own name."""

    def __init__(self, client: "MlflowClient", whose: str) -> None:
        self._client = client
        self._whose = whose

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._speaking(found) if callable(found) else found

    def _speaking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        from mlflow.exceptions import MlflowException

        @wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return method(*arguments, **named)
            except MlflowException as error:
                if error.error_code in _ANSWERS:
                    raise
                raise OSError(f"{self._whose} ({reason(error)})") from error

        return call


def speaking(client: "MlflowClient", uri: str, local: bool) -> "MlflowClient":
    """The client of the record at `uri`; its methods raise OSError, with one sentence, where that is out of reach."""
    whose = f"the record of runs at {uri} cannot be used" if local else f"the tracking server {uri} does not answer"
    return cast("MlflowClient", _Client(client, whose))


def reason(error: Exception) -> str:
    """What it says, in one line, without the statement that a database was given."""
    return " ".join(str(error).split("[SQL:")[0].split())[:200]

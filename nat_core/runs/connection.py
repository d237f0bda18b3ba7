"""The connection to MLflow: what the address of a record means, a client that fails in one way, our experiment."""

import logging
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nat_core.runs.folders import Folders

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

EXPERIMENT = "nat-lab"
_ACCEPTED = "accepted: sqlite:///FILE, or the address of an MLflow server"
# What is wrong with a question, not with the record.
_ANSWERS = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS")
# A server that is away is tried again by the reporter, and must not hold up the work for minutes meanwhile.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Address:
    """The place of a record; it means the same in every process, whatever its current folder.

    Attributes:
        uri: what MLflow is given; a database's file is absolute in it.
        database: the SQLite file; None for a server or another database.
    """

    uri: str
    database: Path | None


def address_of(uri: str) -> Address:
    """The address that `uri` means here: a relative path starts from the current folder; parameters stay.

    Raises:
        ValueError: a database that other processes cannot open.
    """
    scheme, separator, rest = uri.strip().partition("://")
    if not separator or scheme.split("+")[0] != "sqlite":
        return Address(uri.strip(), None)
    text, question, parameters = rest.partition("?")
    name = text.removeprefix("/")
    if not text.startswith("/") or name in ("", ":memory:"):
        raise ValueError(f"no runs can be recorded at {uri[:200]}: it names no file; {_ACCEPTED}")
    if name.startswith("file:"):
        raise ValueError(f"no runs can be recorded at {uri[:200]}: it holds a URI of SQLite's own; {_ACCEPTED}")
    database = Path(name).resolve()
    return Address(f"{scheme}:///{database}{question}{parameters}", database)


def connect(address: Address, folders: Folders) -> tuple["MlflowClient", str]:
    """A client of the record at `address`, and the number of our experiment there; both are made if need be.

    The client's methods raise OSError, with one sentence, where the record is out of reach.

    Raises:
        ValueError: nothing that MLflow can use is there.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    _quieten()
    try:
        with folders.lock("opening"):  # two at once would both create the tables
            if address.database:
                _let_readers_read(address.database)
            client = MlflowClient(tracking_uri=address.uri)
            number = _experiment(client, folders.artifacts.as_uri() if address.database else None)
    except (MlflowException, sqlite3.Error, OSError) as error:
        raise unusable(address.uri, error) from error
    return _speaking(client, address), number


def unusable(where: object, error: Exception) -> ValueError:
    """What is raised where no record can be kept."""
    return ValueError(f"no runs can be recorded at {where} ({reason(error)}); see MLFLOW_TRACKING_URI and NAT_LAB_RUNS")


def reason(error: Exception) -> str:
    """What an error says, in one line, without the statement that a database was given."""
    return " ".join(str(error).split("[SQL:")[0].split())[:200]


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


def _speaking(client: "MlflowClient", address: Address) -> "MlflowClient":
    if address.database:
        whose = f"the record of runs at {address.uri} cannot be used"
    else:
        whose = f"the tracking server {address.uri} does not answer"
    return cast("MlflowClient", _Client(client, whose))


def _experiment(client: "MlflowClient", artifacts: str | None) -> str:
    """The number of our experiment; created if need be, unless another machine does so at the same moment."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    try:
        return client.create_experiment(EXPERIMENT, artifacts)
    except MlflowException:
        if found := client.get_experiment_by_name(EXPERIMENT):
            return found.experiment_id
        raise


def _quieten() -> None:
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _let_readers_read(path: Path) -> None:
    """Write-ahead logging: pages that read do not hold up the processes that write, nor the other way round."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=20)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()

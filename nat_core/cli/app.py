"""What every command shares: the application, options, and the meaning of an ARCH argument."""

from pathlib import Path
from typing import Annotated

import typer

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.naming import resolve

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

Arch = Annotated[str, typer.Argument(metavar="ARCH", help="A library name, a file, nasbench201:INDEX, or a genotype.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def architecture_of(text: str) -> Architecture:
    """The architecture that an ARCH argument means; unlike the page, the command line also reads files."""
    is_path = len(text) <= 4096 and "\n" not in text and Path(text).is_file()
    return _read_file(Path(text)) if is_path else resolve(text)


def _read_file(path: Path) -> Architecture:
    size = path.stat().st_size
    if size > notation.MAX_TEXT_BYTES:
        raise ValueError(f"{path} has {size:,} bytes; at most {notation.MAX_TEXT_BYTES:,} are accepted")
    try:
        return notation.parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None

"""The commands `policies`, `policies export` and `policies import`: what can be chosen, and taking it elsewhere."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nat_core.cli.app import AsJson, app
from nat_core.paths import PRETRAINED

group = typer.Typer(rich_markup_mode=None)
app.add_typer(group, name="policies")


@group.callback(invoke_without_command=True)
def policies(context: typer.Context, as_json: AsJson = False) -> None:
    """List the policies that can be chosen: those that ship, and those of your runs; export and import one."""
    if context.invoked_subcommand:
        return
    from nat_core.learning.policies import catalogue

    for name, card in catalogue.cards(_roots()).items():
        facts = {"name": name, "space": card.space, "rule": card.rule, "data": card.data, "folder": str(card.folder)}
        print(json.dumps(facts) if as_json else f"{name:<32} {card.space:<14} {card.rule:<6} {card.data}".rstrip())


@group.command("export")
def export_policy(
    policy: Annotated[str, typer.Argument(help="A policy's name, or its folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The archive: a file that ends in .zip.")],
) -> None:
    """Write a policy with its card, and its accuracy source, as one archive: safetensors and JSON."""
    from nat_core.learning.policies import archive, catalogue
    from nat_core.learning.support.files import write_bytes

    if output.suffix != archive.SUFFIX:
        raise ValueError(f"--output is {output}; accepted: a file that ends in {archive.SUFFIX}")
    write_bytes(output, archive.packed(catalogue.folder_of(_roots(), policy)))
    print(output, file=sys.stderr)


@group.command("import")
def import_policy(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="An archive that `policies export` wrote.")],
) -> None:
    """Add the policy in an archive to those that commands and pages offer, and print its name."""
    from nat_core.learning.policies import archive, catalogue
    from nat_core.runs.folders import default_folders

    folder = catalogue.add(default_folders().policies, archive.read_bytes(file), file.name)
    print(catalogue.called(_roots(), folder))


def _roots() -> tuple[Path, ...]:
    from nat_core.runs.folders import default_folders

    return PRETRAINED, *default_folders().policy_roots

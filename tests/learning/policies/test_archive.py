"""A policy as one archive: there and back, and what hostile archives meet."""

import io
import json
import pickle
import struct
import time
import zipfile
from pathlib import Path

import pytest
import torch

from nat_core import front, transform
from nat_core.architecture.library import library
from nat_core.cli import main
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.archive import MEMBERS, packed, unpack
from nat_core.learning.policies.checkpoint import CARD, WEIGHTS, PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.paths import PRETRAINED

SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)


@pytest.fixture(scope="module")
def members(tmp_path_factory) -> dict[str, bytes]:
    """What a small policy's archive holds."""
    folder = save_policy(tmp_path_factory.mktemp("p") / "p", Policy(SMALL), PolicyCard("fully_concat", "nat++", SMALL))
    return {name: (folder / name).read_bytes() for name in (CARD, WEIGHTS)}


def zipped(*items: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in items:
            archive.writestr(name, content)
    return held.getvalue()


def patched(archive: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """With other bytes in every record that begins with `signature`."""
    parts = archive.split(signature)
    return signature.join([parts[0], *(p[: offset - 4] + value + p[offset - 4 + len(value) :] for p in parts[1:])])


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def test_what_ships_comes_back_whole_and_does_the_same(tmp_path):
    content = packed(PRETRAINED / "loose_end")
    folder = unpack(io.BytesIO(content), tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        CARD, WEIGHTS, "trainings_model.json", "cell_network.safetensors",
    }  # fmt: skip
    for path in folder.iterdir():
        assert path.read_bytes() == (PRETRAINED / "loose_end" / path.name).read_bytes()


def test_an_archive_stands_for_its_policy_from_python_and_on_the_command_line(tmp_path, capsys):
    file = tmp_path / "mine.zip"
    assert main(["policies", "export", "fully_concat", "--output", str(file)]) == 0
    cell = library()["DARTS"].architecture
    ours, theirs = (transform(cell, policy=policy, candidates=1) for policy in (str(file), "fully_concat"))
    assert ours.output == theirs.output and ours.output.accuracy_percent is not None
    assert front(cell, policy=str(file), candidates=1) == front(cell, policy="fully_concat", candidates=1)
    capsys.readouterr()
    for command in ("transform", "front", "predict"):
        assert main([command, "DARTS", "--policy", str(file)]) == 0, capsys.readouterr().err
    assert main(["policies", "export", "fully_concat", "-o", str(tmp_path / "mine.tar")]) == 2
    assert "accepted: a file that ends in .zip" in capsys.readouterr().err


def test_an_imported_policy_is_among_those_that_can_be_chosen(tmp_path, monkeypatch, capsys, members):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path / "runs"))
    (tmp_path / "given.zip").write_bytes(zipped(*members.items()))
    for _ in range(2):  # the same archive is the same policy
        assert main(["policies", "import", str(tmp_path / "given.zip")]) == 0
        assert capsys.readouterr().out == "given\n"
    assert main(["policies", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [item["space"] for item in listed if item["name"] == "given"] == ["fully_concat"]
    assert main(["transform", "DARTS", "--policy", "given", "--greedy"]) == 0


class Payload:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def _bomb(members) -> bytes:
    return zipped((CARD, b" " * (MEMBERS[CARD] + 1)), (WEIGHTS, members[WEIGHTS]))


def _lying_bomb(members) -> bytes:
    """Its list says little; its content is large."""
    return patched(
        patched(_bomb(members), b"PK\x01\x02", 24, struct.pack("<L", 100)), b"PK\x03\x04", 22, struct.pack("<L", 100)
    )


HOSTILE = {
    "a bomb": (_bomb, "has 1,048,577 bytes when unpacked; accepted: at most 1,048,576"),
    "a bomb that lies": (_lying_bomb, "truncated, or not an archive"),
    "dots": (lambda m: zipped(*m.items(), ("../name.txt", b"x")), "'../name.txt' belongs to no policy"),
    "absolute": (lambda m: zipped(*m.items(), ("/tmp/name.txt", b"x")), "'/tmp/name.txt' belongs to no policy"),
    "backslashes": (lambda m: zipped(*m.items(), ("..\\name.txt", b"x")), "belongs to no policy"),
    "a zero byte": (lambda m: zipped(*m.items(), ("name.txtX/../x", b"x")).replace(b"txtX", b"txt\0"), "belongs to no"),
    "a folder": (lambda m: zipped(*m.items(), ("policy/", b"")), "'policy/' belongs to no policy"),
    "a link": (lambda m: zipped(*m.items(), (link("name.txt"), b"/etc/passwd")), "'name.txt' is a link"),
    "a link for a card": (lambda m: zipped((link(CARD), b"/etc/passwd"), (WEIGHTS, m[WEIGHTS])), "is a link"),
    "encrypted": (
        lambda m: patched(zipped(*m.items()), b"PK\x01\x02", 8, b"\x01\x00"), f"'{CARD}' is encrypted",
    ),
    "another method": (lambda m: zipped(*m.items(), method=zipfile.ZIP_LZMA), "compressed by method 14"),
    "truncated": (lambda m: zipped(*m.items())[:-400], "truncated, or not an archive"),
    "damaged": (lambda m: zipped(*m.items(), method=0).replace(b'"nat++"', b'"nat+-"'), "truncated, or not an archive"),
    "no archive": (lambda m: b"hello" * 100, "truncated, or not an archive"),
    "nothing": (lambda m: b"", "truncated, or not an archive"),
    "an empty one": (lambda m: zipped(), f"'{CARD}' is missing"),
    "a pickle": (lambda m: zipped((CARD, m[CARD]), (WEIGHTS, pickle.dumps(Payload()))), "not a safetensors file"),
    "a checkpoint of torch": (lambda m: zipped((CARD, m[CARD]), (WEIGHTS, _torch_file())), "not a safetensors file"),
    "many members": (
        lambda m: zipped(*m.items(), *((f"{n}.json", b"") for n in range(10_000))), "has 10,002 members; accepted:",
    ),
    "a count that lies": (
        lambda m: patched(zipped(*m.items(), *((f"{n}", b"") for n in range(2000))), b"PK\x05\x06", 8, b"\2\0\2\0"),
        "members; accepted",
    ),
    "a nested archive": (lambda m: zipped(("policy.zip", zipped(*m.items()))), "'policy.zip' belongs to no policy"),
    "twice": (lambda m: _twice(m), f"'{WEIGHTS}' is there twice"),
    "no weights": (lambda m: zipped((CARD, m[CARD])), f"'{WEIGHTS}' is missing"),
    "another card": (lambda m: zipped((CARD, b'{"space": "mars"}'), (WEIGHTS, m[WEIGHTS])), CARD),
    "a deep card": (lambda m: zipped((CARD, b"[" * 100_000), (WEIGHTS, m[WEIGHTS])), CARD),
    "a card of another shape": (
        lambda m: zipped((CARD, m[CARD].replace(b'"width": 8', b'"width": 16')), (WEIGHTS, m[WEIGHTS])),
        "the card's shape needs",
    ),
    "a card that names what is not there": (
        lambda m: zipped((CARD, m[CARD].replace(b'"files": null', b'"files": ["../x"]')), (WEIGHTS, m[WEIGHTS])),
        "names the file '../x', which is not in the archive",
    ),
    "a broken model": (
        lambda m: zipped(*m.items(), ("trainings_model.json", b"{}")), "trainings_model.json",
    ),
}  # fmt: skip


def _twice(members) -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return zipped(*members.items(), (WEIGHTS, b"x"))


def _torch_file() -> bytes:
    held = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, held)
    return held.getvalue()


@pytest.mark.parametrize("make, said", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_in_one_sentence_and_leaves_nothing(tmp_path, members, make, said):
    root, content = tmp_path / "policies", make(members)
    root.mkdir()
    began = time.process_time()
    with pytest.raises(ValueError) as caught:
        catalogue.add(root, content, "given.zip")
    assert time.process_time() - began < 2
    message = str(caught.value)
    assert message.startswith("given.zip: ") and said in message and "accepted: " in message
    assert "\n" not in message and str(tmp_path) not in message
    assert list(tmp_path.rglob("*")) == [root]  # nothing beside it, and nothing in it


def test_a_hostile_file_meets_one_line_on_the_command_line(tmp_path, members, capsys):
    file = tmp_path / "given.zip"
    file.write_bytes(zipped(*members.items(), ("../name.txt", b"x")))
    for words in (["transform", "DARTS", "--policy"], ["front", "DARTS", "--policy"], ["policies", "import"]):
        assert main([*words, str(file)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "'../name.txt' belongs to no policy; accepted: card.json" in error
    assert [path for path in Path(tmp_path).rglob("*") if path != file] == []


def test_a_header_with_a_long_name_is_quoted_briefly(tmp_path):
    content = bytearray(packed(PRETRAINED / "nasbench201"))
    struct.pack_into("<H", content, 26, 60_000)  # the length of the first member's name, in the header of itself
    with pytest.raises(ValueError, match="not an archive") as refused:
        unpack(io.BytesIO(bytes(content)), tmp_path, "given.zip")
    assert len(str(refused.value)) < 300

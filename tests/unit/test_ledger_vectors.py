"""The published RFC 6962 vectors: good proofs are accepted, forged ones refused."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laennec.core.errors import ProofError
from laennec.ledger import tree

VECTORS = Path(__file__).resolve().parents[3] / "shared/data/tlog-vectors/rfc6962-proofs"
Case = dict[str, Any]


def _raw(text: str) -> bytes:
    return base64.b64decode(text)


def _proof(case: Case) -> tuple[bytes, ...]:
    return tuple(_raw(one) for one in case["proof"] or ())


def _inclusion(case: Case) -> None:
    tree.verify_inclusion(
        case["leafIdx"],
        size=case["treeSize"],
        leaf=_raw(case["leafHash"]),
        root=_raw(case["root"]),
        proof=_proof(case),
    )


def _consistency(case: Case) -> None:
    tree.verify_consistency(
        case["size1"],
        size=case["size2"],
        old_root=_raw(case["root1"]),
        root=_raw(case["root2"]),
        proof=_proof(case),
    )


def _subtree_inclusion(case: Case) -> None:
    tree.verify_subtree_inclusion(
        case["leafIdx"],
        start=case["start"],
        end=case["end"],
        leaf=_raw(case["leafHash"]),
        root=_raw(case["root"]),
        proof=_proof(case),
    )


def _subtree_consistency(case: Case) -> None:
    tree.verify_subtree(
        case["start"],
        case["end"],
        size=case["size"],
        subtree_root=_raw(case["root1"]),
        root=_raw(case["root2"]),
        proof=_proof(case),
    )


FOLDERS: dict[str, tuple[Callable[[Case], None], Counter[bool]]] = {
    "inclusion": (_inclusion, Counter({True: 92, False: 6})),
    "consistency": (_consistency, Counter({True: 92, False: 6})),
    "subtreeinclusion": (_subtree_inclusion, Counter({True: 192, False: 12})),
    "subtreeconsistency": (_subtree_consistency, Counter({True: 106, False: 12})),
}
"""Folder, how to verify a case, and how many cases are forged (True) and good (False)."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vector_is_judged_as_published(folder: str) -> None:
    if not VECTORS.is_dir():
        pytest.skip("shared/data/tlog-vectors is absent")
    verify, expected = FOLDERS[folder]
    seen: Counter[bool] = Counter()
    wrong = []
    for path in sorted((VECTORS / folder).rglob("*.json")):
        case: Case = json.loads(path.read_text(encoding="utf-8"))
        try:
            verify(case)
            refused = False
        except ProofError:
            refused = True
        seen[case["wantErr"]] += 1
        if refused != case["wantErr"]:
            wrong.append(path.relative_to(VECTORS).as_posix())
    assert wrong == []
    assert seen == expected

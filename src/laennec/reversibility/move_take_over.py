"""The destination becomes the store: its newest heads are opened, and perhaps handed to new keys.

Runs while nothing changes the source. Until the settings name the destination nobody uses it, so
what an interrupted attempt committed there under new keys can be taken back.
"""

from datetime import datetime

from laennec.core.errors import IntegrityError, RollbackError
from laennec.reversibility.move_model import Part
from laennec.vault.head import head_name
from laennec.vault.inventory import read_inventory
from laennec.vault.manifest import Anchor
from laennec.vault.ports import KeyHolder
from laennec.vault.rotation import hand_over
from laennec.vault.state import State, head_numbers, load_head, load_state, newest_number


def open_at_target(part: Part, newest: Anchor) -> State:
    """Return the state that the destination serves as the newest, which must be the one copied.

    Raises:
        RollbackError: it serves another one.
        IntegrityError: it does not authenticate.
    """
    state = load_state(part.target, part.keys, newest_number(part.target))
    if state.anchor != newest:
        raise RollbackError(
            f"The destination serves snapshot {state.number} of {part.name} as the newest, and "
            f"{newest.number} was copied.",
            remedy="The hub stays where it is. Choose another place, and run the move again.",
        )
    if part.seen is not None:
        state.check_contains(part.seen)
    return state


def hand_to(part: Part, state: State, *, to: KeyHolder, now: datetime, padded: bool) -> State:
    """Commit the newest state at the destination under another key holder, and open it again.

    Raises:
        KeyHolderError: that holder does not answer.
        ConflictError, StoreError: the destination failed.
        IntegrityError: what was committed does not open with the new keys.
    """
    after = hand_over(part.target, state, to=to, now=now, padded=padded)
    opened = load_state(part.target, to, newest_number(part.target))
    if opened.anchor != after.anchor:
        raise RollbackError(
            f"The destination does not serve the head of {part.name} that it has just taken.",
            remedy="The hub stays where it is. Choose another place, and run the move again.",
        )
    return opened


def take_back(part: Part, *, to: KeyHolder) -> None:
    """Delete the heads that an interrupted attempt committed at the destination under new keys.

    A head that the new keys do not open, or of another warehouse, is not ours, and stays.
    """
    known = read_inventory(part.source, part.keys, seen=part.seen)
    ours = load_head(part.source, part.keys, known.newest.number).warehouse_id
    for number in head_numbers(part.target):
        try:
            opened = load_head(part.target, to, number)
        except IntegrityError:
            continue  # a copied head: the new keys do not open it
        if opened.warehouse_id == ours:
            part.target.delete([head_name(number)])

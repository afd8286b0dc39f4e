"""Whether two addresses lead to one store, as two names of one service or a link to a folder do.

Addresses cannot tell. A move from a store to itself would seem whole, and erasing what it left
would then delete the only copy.
"""

import secrets

from laennec.core.errors import AlreadyExistsError, NotFoundError
from laennec.vault.ports import ObjectStore
from laennec.vault.probe import PROBE_PREFIX


def check_apart(one: ObjectStore, other: ObjectStore) -> None:
    """Raise if an object that is created in one store shows in the other.

    Raises:
        AlreadyExistsError: it does.
        StoreError: a store failed.
    """
    name = f"{PROBE_PREFIX}{secrets.token_hex(16)}"
    one.create(name, secrets.token_bytes(16))
    try:
        other.get(name)
    except NotFoundError:
        return
    finally:
        one.delete([name])
    raise AlreadyExistsError(
        "The two addresses lead to one store.",
        remedy="Nothing was copied or deleted; name a place that is another one.",
    )

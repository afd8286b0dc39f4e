"""The hub's object stores, as the settings name them: one for the warehouse, one for results."""

from laennec.core.settings import StoreSettings
from laennec.vault.local import LocalStore
from laennec.vault.ports import ObjectStore

WAREHOUSE, RESULTS = "warehouse", "results"
PARTS = (WAREHOUSE, RESULTS)


def store_of(store: StoreSettings, part: str, *, cached: bool = True) -> ObjectStore:
    """Return the object store of one of the hub's two vaults.

    Args:
        store: Where it is.
        part: ``WAREHOUSE`` or ``RESULTS``.
        cached: Whether sealed copies on this machine may stand in for what a remote store holds;
            not for whoever judges that store.

    Raises:
        StoreError: it cannot be opened.
        SettingsError: its address or credentials are wrong.
    """
    return LocalStore(store.folder / part)

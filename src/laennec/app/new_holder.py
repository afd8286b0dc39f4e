"""The key holder that a move hands the hub to: made or opened, and given the ledger's key.

What the former holder needs stays as it is until the settings are replaced, so that the hub opens
with the one or with the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from laennec.app.holders import Ask, Holders, create_holders, open_holders, passphrase_source
from laennec.app.hub import Custody
from laennec.app.secrets import hand_signing_key
from laennec.app.seen import remember, remember_heads
from laennec.app.stores import RESULTS, WAREHOUSE
from laennec.core.clock import Clock
from laennec.core.errors import AlreadyExistsError, SettingsError
from laennec.core.settings import Settings
from laennec.vault.passphrase_source import Prompt, read_passphrase
from laennec.vault.ports import KeyHolder
from laennec.vault.service import Vault


@dataclass(frozen=True)
class NewHolder:
    """Another key holder.

    Attributes:
        settings: The settings that name it.
        holders: It, opened.
    """

    settings: Settings
    holders: Holders

    @property
    def keys(self) -> Mapping[str, KeyHolder]:
        """What wraps the keys of each vault, by the vault's name."""
        return {WAREHOUSE: self.holders.warehouse, RESULTS: self.holders.hub}

    def prepare(self, custody: Custody, vaults: Mapping[str, Vault]) -> None:
        """Put into its folder what a hub needs besides: the ledger's key, and what was seen.

        Args:
            custody: The hub as it still is.
            vaults: Both vaults as they were copied. A later head, made under the new keys, is not
                to be remembered while the hub can still be opened where it was.

        Raises:
            KeyHolderError, StoreError: the folder cannot be written.
        """
        now, folder = custody.holders, self.settings.keys.folder
        hand_signing_key(
            now.signing_key, now.hub, target=self.holders.signing_key, to=self.holders.hub
        )
        remember(folder, custody.ledger)
        remember_heads(folder, vaults)


def new_holder(
    settings: Settings, present: Holders, *, clock: Clock, ask: Ask, again: bool
) -> NewHolder:
    """Make the key holder that settings name.

    Args:
        settings: As they will be.
        present: The holders as they are.
        clock: Bounds how long unwrapped keys are kept.
        ask: Asks for a new passphrase or PIN on the terminal.
        again: Whether an interrupted move may have made it, so that it is opened.

    Raises:
        AlreadyExistsError: there are keys of these names, and not ``again``.
        SettingsError: it is the present one, or its settings are incomplete.
        KeyHolderError: it cannot be made or opened.
    """
    secret = None
    if settings.keys.holder == "passphrase":
        source = passphrase_source(settings)
        if isinstance(source, Prompt):
            source = Prompt("New passphrase: ", twice=True)
        secret = read_passphrase(source, ask=ask)
    try:
        holders = create_holders(settings, clock=clock, ask=ask, secret=secret)
    except AlreadyExistsError:
        if not again:
            raise
        holders = open_holders(settings, clock=clock, ask=ask, secret=secret)
    if holders.signing_key == present.signing_key:
        raise SettingsError(
            "The new key holder is the present one.",
            remedy="Name another holder, or another keys.folder for other keyrings.",
        )
    return NewHolder(settings, holders)

"""What is left of a key holder whose root keys are gone: it answers every question with that."""

from laennec.core.errors import KeyDestroyedError


class DestroyedKeys:
    """A ``KeyHolder`` that holds nothing, in the place of one that does not open any more.

    So that a hub without its warehouse still opens for what is left: ledger, results, releases.
    """

    def __init__(self, what: str) -> None:
        """Take what to call it, such as ``the keyring warehouse.json``."""
        self._what = what

    def wrap(self, key: bytes, *, purpose: str) -> bytes:  # noqa: ARG002 - the port's
        """Refuse; see ``KeyHolder.wrap``."""
        raise self._gone()

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:  # noqa: ARG002 - the port's
        """Refuse; see ``KeyHolder.unwrap``."""
        raise self._gone()

    def rotate(self) -> None:
        """Refuse; see ``KeyHolder.rotate``."""
        raise self._gone()

    def forget(self) -> None:
        """Refuse; see ``KeyHolder.forget``."""
        raise self._gone()

    def destroy(self) -> None:
        """Do nothing: it is done."""

    def versions(self) -> tuple[int, ...]:
        """Return no version."""
        return ()

    def _gone(self) -> KeyDestroyedError:
        return KeyDestroyedError(
            f"The root keys of {self._what} were destroyed.",
            remedy="What they opened is unreadable for ever; nothing brings it back.",
        )

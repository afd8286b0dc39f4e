"""What went wrong at a remote store, told from obstore's errors, and said in our words.

obstore's own messages quote addresses, and with them signatures; they are read here to tell the
reason and never passed on. The host wrote parts of them, so a reason explains a failure and decides
whether to try again; nothing is trusted because of it.
"""

import re
from dataclasses import dataclass

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from laennec.core.errors import ConflictError, NotFoundError, StoreError, StoreFullError

CLOUD_ERRORS = (BaseError, OSError)
"""Everything that obstore raises while it talks to a store."""


@dataclass(frozen=True)
class Reason:
    """Why a request failed.

    Attributes:
        error: Class of our error.
        happened: What to say; ``{name}`` is the object's, ``{place}`` the store's.
        remedy: What to do.
        passing: Whether another attempt may fare better.
        doubtful: Whether a write may have been carried out all the same.
    """

    error: type[StoreError | NotFoundError]
    happened: str
    remedy: str
    passing: bool = False
    doubtful: bool = False


CONFLICT = Reason(
    ConflictError,
    "{name} exists already.",
    "Another writer was first; read the newest snapshot and try again.",
)
ABSENT = Reason(
    NotFoundError, "There is no object {name}.", "Run `laennec verify` to see what is missing."
)
NO_BUCKET = Reason(
    StoreError,
    "{place} does not exist: the host knows no such bucket or container.",
    "Create it at the host, or correct the address of the store.",
)
REFUSED = Reason(
    StoreError,
    "{place} refuses these credentials.",
    "Check the credentials and their rights to get, put, list and delete objects under the "
    "prefix; docs/how-to/choose-a-host.md lists them.",
)
FULL = Reason(
    StoreFullError,
    "No space is left in the store for {name}.",
    "Make room or raise the quota, run `laennec sweep`, and try again; nothing half-written shows.",
)
UNTRUSTED = Reason(
    StoreError,
    "The certificate of {place} is not trusted.",
    "Check the address, or name the authority that signed it in store.ca_file.",
)
UNREACHABLE = Reason(
    StoreError,
    "{place} cannot be reached.",
    "Check the address of the store and the network, and try again.",
    passing=True,
)
SLOW = Reason(
    StoreError,
    "{place} did not answer in time.",
    "Check the network, and try again.",
    passing=True,
    doubtful=True,
)
BUSY = Reason(
    StoreError,
    "{place} failed on {name}: it is overloaded or out of order.",
    "Try again later; ask the host if it lasts.",
    passing=True,
    doubtful=True,
)
BROKEN = Reason(
    StoreError,
    "The connection to {place} broke.",
    "Check the network, and try again.",
    passing=True,
    doubtful=True,
)
EMPTY_RANGE = Reason(
    StoreError, "{place} holds no bytes of {name}.", "Run `laennec verify`, and ask the host."
)
UNKNOWN = Reason(
    StoreError,
    "{place} failed on {name}.",
    "Check the address of the store, and whether the host serves S3 or Azure Blob there.",
    doubtful=True,
)

# The first line that matches decides. Status lines are obstore's own text; codes are the host's.
_SIGNS: tuple[tuple[re.Pattern[str], Reason], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"<Code>(NoSuchBucket|ContainerNotFound|ContainerBeingDeleted)</Code>", NO_BUCKET),
        (r"status code: 507|<Code>(QuotaExceeded|InsufficientStorage\w*)</Code>", FULL),
        (r"status code: 40[13]\b", REFUSED),
        (r"status code: (409|412)\b", CONFLICT),
        (r"status code: 404\b", ABSENT),
        (r"status code: 416\b", EMPTY_RANGE),
        (r"status code: (429|5\d\d)\b", BUSY),
        (r"[Cc]ertificate|UnknownIssuer|InvalidContentType|HandshakeFailure", UNTRUSTED),
        (r"kind: Connect\b", UNREACHABLE),
        (r"kind: Timeout\b|TimedOut|timed out", SLOW),
        (r"kind: (Request|Interrupted|Decode|Unknown)\b|IncompleteMessage|ConnectionReset", BROKEN),
    )
)
_CLASSES: tuple[tuple[type[Exception], Reason], ...] = (
    (AlreadyExistsError, CONFLICT),
    (PreconditionError, CONFLICT),
    (PermissionDeniedError, REFUSED),
    (UnauthenticatedError, REFUSED),
    (FileNotFoundError, ABSENT),
)


def reason_of(error: Exception) -> Reason:
    """Return why a request failed; ``UNKNOWN`` when nothing tells."""
    text = str(error)
    first = _SIGNS[0]
    if first[0].search(text):
        return first[1]
    for kind, reason in _CLASSES:
        if isinstance(error, kind):
            return reason
    return next((reason for sign, reason in _SIGNS if sign.search(text)), UNKNOWN)


def explained(reason: Reason, *, name: str, place: str) -> StoreError | NotFoundError:
    """Return our error for a reason.

    Args:
        reason: Why.
        name: Of the object.
        place: Kind, bucket and prefix of the store; never an address with a query.
    """
    return reason.error(reason.happened.format(name=name, place=place), remedy=reason.remedy)

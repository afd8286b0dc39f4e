"""Labels, places and the envelope of small documents."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import FormatError, IntegrityError
from laennec.vault.labels import derive_key, encode_parts
from laennec.vault.sealed_bytes import open_sealed, padded_size, seal

KEY = bytes(range(32))
PLACE = ("laennec/document/1", "warehouse", "report", "objects/aa/bb")
parts = st.lists(st.binary(max_size=4), max_size=4).map(tuple)


@given(parts, parts)
@settings(deadline=None)
def test_different_parts_never_encode_alike(one: tuple[bytes, ...], two: tuple[bytes, ...]) -> None:
    assert (encode_parts(*one) == encode_parts(*two)) == (one == two)


def test_parts_are_encoded_with_their_length() -> None:
    assert encode_parts("é", b"") == b"\x00\x00\x00\x02\xc3\xa9\x00\x00\x00\x00"


def test_keys_for_different_labels_are_independent() -> None:
    keys = {derive_key(KEY, "a", "bc"), derive_key(KEY, "ab", "c"), derive_key(KEY, "abc"), KEY}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


def test_derivation_is_hkdf_sha256() -> None:
    """Figure made once with Python's hmac, by the two steps of RFC 5869."""
    import hashlib
    import hmac

    extracted = hmac.digest(bytes(32), KEY, hashlib.sha256)
    expanded = hmac.digest(extracted, encode_parts("purpose") + b"\x01", hashlib.sha256)
    assert derive_key(KEY, "purpose") == expanded


@given(st.binary(max_size=3000))
@settings(deadline=None, max_examples=50)
def test_opens_what_was_sealed(body: bytes) -> None:
    assert open_sealed(seal(body, key=KEY, place=PLACE), key=KEY, place=PLACE, name="x") == body


@given(st.integers(min_value=0, max_value=2**48))
@settings(deadline=None)
def test_padding_costs_at_most_an_eighth_and_few_sizes_exist(size: int) -> None:
    padded = padded_size(size)
    assert size <= padded <= size * 1.125
    assert padded_size(padded) == padded


def test_sizes_within_a_step_look_alike() -> None:
    sizes = {len(seal(bytes(n), key=KEY, place=PLACE)) for n in range(10_000, 10_100)}
    assert len(sizes) <= 2


def test_never_seals_the_same_twice() -> None:
    assert seal(b"body", key=KEY, place=PLACE) != seal(b"body", key=KEY, place=PLACE)


def test_every_flipped_bit_and_every_truncation_is_refused() -> None:
    sealed = seal(b"a body", key=KEY, place=PLACE)
    for offset in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[offset] ^= 1 << bit
            with pytest.raises(IntegrityError):
                open_sealed(bytes(altered), key=KEY, place=PLACE, name="x")
    for size in range(len(sealed)):
        with pytest.raises(IntegrityError):
            open_sealed(sealed[:size], key=KEY, place=PLACE, name="x")
    with pytest.raises(IntegrityError):
        open_sealed(sealed + b"\0", key=KEY, place=PLACE, name="x")


@pytest.mark.parametrize("position", range(len(PLACE)))
def test_another_place_is_refused(position: int) -> None:
    sealed = seal(b"body", key=KEY, place=PLACE)
    moved = (*PLACE[:position], "elsewhere", *PLACE[position + 1 :])
    with pytest.raises(IntegrityError, match="the-name"):
        open_sealed(sealed, key=KEY, place=moved, name="the-name")


def test_another_key_is_refused() -> None:
    with pytest.raises(IntegrityError):
        open_sealed(seal(b"body", key=KEY, place=PLACE), key=bytes(32), place=PLACE, name="x")


def test_an_unknown_version_is_told_apart() -> None:
    sealed = bytearray(seal(b"body", key=KEY, place=PLACE))
    sealed[4] = 2
    with pytest.raises(FormatError, match="does not know"):
        open_sealed(bytes(sealed), key=KEY, place=PLACE, name="x")

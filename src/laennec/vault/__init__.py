"""The vault: sealed files, snapshots and keys on a host that is not trusted.

Knows frames, bytes and names; knows nothing of OMOP. ``docs/explanation/vault.md`` states the
attack model, ``docs/reference/sealed-formats.md`` the bytes.
"""

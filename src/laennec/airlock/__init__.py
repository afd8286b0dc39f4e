"""The only way out: disclosure control, then the ledger, then files with proofs."""

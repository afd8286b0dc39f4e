"""Leaving: the whole store to another host, and the tables out of Laennec.

A move copies sealed objects between stores and needs no key of a row. An export opens everything,
so it is for an operator who may read everything, and the ledger says that it happened.
"""

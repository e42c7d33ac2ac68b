"""Asterisk's CEL as the second, independent witness of every call, and its comparison with the ledger."""

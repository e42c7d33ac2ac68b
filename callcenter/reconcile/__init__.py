"""`callcenter reconcile`: the ledger, which was made from AMI, against CEL, call by call.

`ledger_side` reads the ledger and nothing else, `callcenter.witness` reads CEL and nothing else; `join` is the only module
that has both, and `verdicts` says what came of one call. Nothing is decided or changed by it.
"""

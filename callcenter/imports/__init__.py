"""Calls of a former system, read from a CSV file into the ledger, so that years compare.

`csv_file` gives the file's rows with their line numbers, `former_call` turns one row into a call or says why it is none,
`repeats` tells rows whose call stood in the file before, `load` puts them into the ledger in chunks.
"""

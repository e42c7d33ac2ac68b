"""What happened while nobody watched: read in CEL after a snapshot, and told to the ledger as records.

A *gap* (`gaps`) is the time from the last instant at which we surely watched a PBX to a snapshot of its channels. After
the snapshot a worker thread reads CEL of that time (`source`); `tell` compares it with what the ledger knows and says
what is missing; `look_back` puts that into the outbox like any other record, marked `CallRebuilt`. What CEL does not tell
(holds, wrap-up, why somebody was offered) stays unknown. Nothing here is awaited by the routing of calls.
"""

"""The wallboard: what a room of supervisors sees now, on any number of screens, without the engine ever waiting for one.

Theory of operation, in the order in which a fact travels:

1. **Two sources.** `FloorWatch` follows the engine (who waits, who does what): the records of each step only mark what has
   changed, and at the next look the engine itself is asked, so a count here is the gauge's count. `Today` adds up the ledger:
   each transaction of the ledger says which rows of calls it changed, from what to what, and the day's totals of the
   dictionary follow by the difference. Board, ledger and report are therefore one number. Totals are read whole from the
   ledger at the start, each hour, and after any doubt (a transaction whose end nobody saw).
2. **State.** `view.compose` makes the state of an instant: sections (`figures`, `lines`, `agents`, ...) of keys and small rows.
   Its size has a bound whatever the size of the floor: the longest of each state of agents, the longest waiting callers.
   Callers' numbers are masked here, before anything leaves the process.
3. **Delta.** `delta.difference` of two states holds the rows that differ; `delta.applied` (and the page, in the same way)
   gives the second state back. Messages are numbered; whoever misses one asks for the whole state again.
4. **Fan-out.** Changes are gathered for `TICK_S`, encoded once, and put into a short queue of each screen (`fanout`). A screen
   that does not take its messages loses its queue and gets the whole state when it reads again; one that takes nothing
   for 20 s is cut off by the kernel (`callcenter.http.server`). Screens are woken in small groups, and between two groups the loop serves the PBX.
   Once a second there is a message even when nothing happened: a screen without one for 2.5 s says so ("stale since").

Everything but `live` and `fanout` is pure: no clock, no I/O. Who may look is judged in `callcenter.http.access`.
"""

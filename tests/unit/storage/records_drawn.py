"""Any record at all: a hypothesis strategy over every record type, with hostile text."""

from hypothesis import strategies as st

from acd.names import CallId, EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, Via
from acd.records import PassedOver, Record
from agents.presence import Presence
from callcenter.storage.codec import RECORD_TYPES

hostile_text = st.text(st.characters(exclude_categories=()), max_size=40)
instants = st.integers(0, 2**53)
for kind, strategy in {
    str: hostile_text,
    int: instants,
    float: st.floats(-1e9, 1e9),
    CallId: st.builds(CallId, hostile_text, hostile_text),
    PassedOver: st.builds(PassedOver, hostile_text, hostile_text),
    **{
        words: st.sampled_from(words)
        for words in (EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, Via, Presence)
    },
}.items():
    st.register_type_strategy(kind, strategy)

records: st.SearchStrategy[Record] = st.one_of([st.from_type(kind) for kind in RECORD_TYPES.values()])

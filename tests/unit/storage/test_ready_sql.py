"""Statements written out: parameters at their places, everything else as constants."""

import sqlite3

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, case, func, select

from callcenter.storage.ready_sql import parameter, written

rows = Table("rows", MetaData(), Column("at_ms", BigInteger), Column("word", Text))


def test_statement_written_for_sqlite_takes_its_values_in_order_as_often_as_they_stand() -> None:
    at_ms = rows.c.at_ms
    latest = func.max(at_ms).over(order_by=at_ms, rows=(None, -1))
    query = select(case((rows.c.word == "it's: ?", at_ms - parameter("first")), else_=None), latest)
    ready = written("sqlite", query.where(at_ms >= parameter("first"), rows.c.word != parameter("other", "TEXT")))
    assert ready.places == ("first", "first", "other")
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE rows (at_ms bigint, word text)")
    database.executemany("INSERT INTO rows VALUES (?, ?)", [(1, "it's: ?"), (5, "it's: ?"), (7, "x"), (9, "not")])
    given = {"first": 5, "other": "not"}
    found = database.execute(ready.text, [given[place] for place in ready.places]).fetchall()
    database.close()
    assert found == [(0, None), (None, 5)]


def test_statement_written_for_postgresql_numbers_each_value_once_and_says_its_kind() -> None:
    at_ms = rows.c.at_ms
    within = (at_ms >= parameter("first"), at_ms < parameter("first") + 1, rows.c.word == parameter("word", "TEXT"))
    ready = written("postgresql", select(func.sum(at_ms).over(order_by=at_ms, rows=(-2, 0))).where(*within))
    assert ready.places == ("first", "word")
    assert "at_ms >= $1::BIGINT" in ready.text and "at_ms < $1::BIGINT + 1" in ready.text
    assert "word = $2::TEXT" in ready.text and "BETWEEN 2 PRECEDING AND CURRENT ROW" in ready.text


def test_kind_that_no_parameter_has_is_refused() -> None:
    with pytest.raises(KeyError):
        parameter("first", "MONEY")

"""Counts the rows of a table that a condition matches."""

from sqlalchemy import Connection

from privacy.adapters.databases.conditions import Conditions
from privacy.adapters.databases.known import Known
from privacy.disposal.target import Where


def count(opened: Connection, known: Known, conditions: Conditions, where: Where) -> int:
    clause = conditions.write(known.shape.name, where)
    sql = f"SELECT count(*) FROM {known.sql} WHERE {clause.sql}"  # noqa: S608 - names are quoted, values are parameters
    return int(opened.exec_driver_sql(sql, clause.parameters).scalar() or 0)

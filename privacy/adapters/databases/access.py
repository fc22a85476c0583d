"""May this connection write at all? Asked once on opening, so that a plan for a read-only system is refused before anybody approves it."""

import os

from sqlalchemy import Connection

from privacy.kernel.errors import Conflict

_POSTGRESQL = """
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only') = 'on',
       NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
                     AND (pg_catalog.has_any_column_privilege(c.oid, 'UPDATE') OR pg_catalog.has_table_privilege(c.oid, 'DELETE')))
       AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%')
"""
# a user sees its own grants here; one who may see everybody's is told writable, and a refusal comes with the statement
_MARIADB = """
SELECT @@global.read_only, NOT EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('UPDATE', 'DELETE'))
  AND NOT EXISTS (SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('UPDATE', 'DELETE'))
  AND NOT EXISTS (SELECT 1 FROM information_schema.TABLE_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('UPDATE', 'DELETE'))
  AND NOT EXISTS (SELECT 1 FROM information_schema.COLUMN_PRIVILEGES WHERE PRIVILEGE_TYPE = 'UPDATE')
  AND CURRENT_ROLE() IS NULL
"""
_STANDBY = "The system is a standby or set read-only: connect its primary."
_NO_RIGHT = "The user of this system may change none of its tables: connect it with a user that may update and delete."


def refuse_read_only(opened: Connection) -> None:
    """Raises Conflict with code `read_only`."""
    kind = opened.dialect.name
    if kind == "postgresql":
        recovering, read_only, no_right = opened.exec_driver_sql(_POSTGRESQL, execution_options={"no_parameters": True}).one()
        if recovering or read_only or no_right:
            raise Conflict(_STANDBY if recovering or read_only else _NO_RIGHT, code="read_only")
    elif kind == "mysql":
        read_only, no_right = opened.exec_driver_sql(_MARIADB, execution_options={"no_parameters": True}).one()
        if no_right:
            raise Conflict(_NO_RIGHT, code="read_only")
        # an administrator writes to a read-only server all the same; who does not is told by the first statement
        if read_only and not opened.exec_driver_sql(_ADMINISTRATES, execution_options={"no_parameters": True}).scalar():
            raise Conflict(_STANDBY, code="read_only")
    else:
        _refuse_file(opened)


_ADMINISTRATES = "SELECT count(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('SUPER', 'READ_ONLY ADMIN', 'READ ONLY ADMIN')"


def _refuse_file(opened: Connection) -> None:
    path = str(opened.exec_driver_sql("PRAGMA database_list").one()[2])
    if not os.access(path, os.W_OK):
        raise Conflict("The file is read-only for this service: give its user the right to write it and its folder.", code="read_only")

"""Raw SQL: text that no filter can be put into must not name what belongs to users.

While a statement is compiled, every identifier and value that the compiler itself writes gets
a mark; what is left without one came from ``text()``, an operator, a hint or a custom
construct, and is searched for the names of owned tables. So no list of places where raw text
may come in has to be complete.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import TextClause

from betterguard.errors import UnsafeStatement
from betterguard.rows.ownership import OPEN_CATALOGS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["USER_SETTING", "CatalogQuery", "RawSQL"]

USER_SETTING = "app.user_id"
"""The PostgreSQL setting that tells the policies who the user is."""

_PRIVATE_USE = range(0xE000, 0xF900)  # of Unicode
_MARK_LENGTH = 8

# They run SQL text that they get as a value, tell what is in others' rows, or change the user.
_FUNCTIONS_TEXT = """
set_config query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml
cursor_to_xmlschema table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml
schema_to_xmlschema schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema
database_to_xml_and_xmlschema dblink dblink_exec dblink_open dblink_send_query ts_stat
ts_rewrite crosstab connectby xpath_table pg_read_file pg_read_binary_file lo_import lo_export
load_extension readfile fts3_tokenizer pg_relation_size pg_table_size pg_total_relation_size
pg_indexes_size
"""
_FUNCTIONS = frozenset(_FUNCTIONS_TEXT.split())
# What may stand between two words.
_GAP = r"(?:\s|/\*(?s:.*?)\*/|--[^\n]*(?:\n|\Z))*"
_SETTINGS = rf"role|session(?:_|\b{_GAP})authorization|row_security"
_COMMANDS = (
    rf'"?{_GAP}\.{_GAP}"?'.join(USER_SETTING.split(".")),
    rf'set\b{_GAP}(?:(?:local|session)\b{_GAP})?"?(?:{_SETTINGS})',
    rf'reset\b{_GAP}"?(?:all|{_SETTINGS})',
)
_FIRST = "explain|copy|attach|vacuum|do|call|prepare|declare|discard|create|alter|drop|grant|revoke"
_LEADING = rf"(?:\A|;){_GAP}(?:{_FIRST})\b"
# What a command would begin or go on with, were it not the compiler's: `SET role` in an UPDATE.
_OPENING = rf"{USER_SETTING.partition('.')[0]}|role|session|row_security|{_FIRST}"
# How many rows there are of whom, and what others run: PostgreSQL's estimates, SQLite's pages.
_STATISTICS = r"pg_stat\w*|reltuples|relpages|dbstat|sqlite_stat\w*|sqlite_stmt"
_STRING = re.compile(r"'(?:[^']|'')*'")
_ESCAPED = r'\bu&"'  # a name that is written in numbers
_INTO = rf"\binto\b{_GAP}(?:temp|temporary)\b"  # what outlives the session, for the next user

# Words that SQLAlchemy writes of itself. A table of such a name is searched for where a table
# stands, or in quotes, else `count(*)` would be taken for the table `count`.
_SPOKEN_TEXT = """
all and any array as asc between bigint binary bit blob boolean by bytea case cast char
character check coalesce collate column concat conflict constraint count cross cube current
current_date current_time current_timestamp current_user date datetime day decimal default
delete desc distinct do double else end epoch escape except excluded exists extract false fetch
filter first float following for from full group grouping having hour ilike in inner insert int
integer intersect interval into is isnull join json jsonb key last lateral left length like
limit local localtime localtimestamp lower match materialized max min minute month natural next
no not nothing notnull now nowait null nulls numeric of offset on only or order ordinality outer
over overlaps partition position preceding precision primary range real recursive regexp replace
returning right rollup row rows second select session_user set sets share similar skip smallint
some sum table tablesample text then ties time timestamp timestamptz to true try_cast unbounded
union unique unknown update upper user using uuid values varchar varying when where window with
within without xml year zone
"""
_SPOKEN = frozenset(_SPOKEN_TEXT.split())


class CatalogQuery(TextClause):
    """A question of betterguard's own to the database's catalog.

    It reads no table of an application, and an application may call a table as it calls a column.
    """

    inherit_cache = True


class RawSQL:
    """The search for owned tables' names in text that no compiler wrote."""

    def __init__(self, tables: Iterable[str]) -> None:
        names = {table.casefold() for table in tables}
        plain = _alternatives(names - _SPOKEN)
        spoken = _alternatives(names & _SPOKEN)
        words = _alternatives(_FUNCTIONS | OPEN_CATALOGS)
        commands = "|".join(_COMMANDS)
        # Made anew, so that no text can hold it before.
        self._mark = "".join(chr(secrets.choice(_PRIVATE_USE)) for _ in range(_MARK_LENGTH))
        self._refused = re.compile(
            rf"(?<![\w$])(?<!{self._mark})(?:{plain}|{words}|{commands})(?![\w$])"
            rf"|(?<![\w$])(?:{_STATISTICS})(?![\w$])"
            rf"|\b(?:from|join|into|update|table|only|using)\s+(?:{spoken})(?![\w$])"
            rf"|[\"\[`.](?:{spoken})(?![\w$])"
            rf"|{_LEADING}|{_ESCAPED}|{_INTO}",
            re.IGNORECASE,
        )
        self._marked = re.compile(
            rf"(?<![\w$])(?<!{self._mark})(?={_alternatives(names)}|{words}|{commands}|{_OPENING})",
            re.IGNORECASE,
        )

    def mark(self, written: str) -> str:
        """Mark the names in text that the compiler wrote by itself, so that they pass."""
        return self._marked.sub(self._mark, written)

    def mark_strings(self, written: str) -> str:
        """Mark the names that stand in quotes, as data; what stands outside may be anything."""
        return _STRING.sub(lambda string: self.mark(string[0]), written)

    def unmark(self, text: str) -> str:
        """Take the marks off again."""
        return text.replace(self._mark, "")

    def refuse(self, text: str) -> None:
        """Raise UnsafeStatement when unmarked text names what belongs to users."""
        found = self._refused.search(text)
        if found is not None:
            msg = (
                f"raw SQL holds {found[0].strip()!r}, and raw SQL cannot be filtered: write the "
                "statement with select(), insert(), update() or delete(), or run it on an engine "
                "that is not isolated"
            )
            raise UnsafeStatement(msg)

    @staticmethod
    def refuse_function(name: str) -> None:
        """Raise UnsafeStatement for a function that runs SQL text or changes the user."""
        if name.casefold() in _FUNCTIONS:
            msg = f"function {name!r} runs SQL from text or changes the user: no filter reaches it"
            raise UnsafeStatement(msg)


def _alternatives(names: Iterable[str]) -> str:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(map(re.escape, longest_first)) or r"(?!)"

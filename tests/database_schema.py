"""What a database is made of, without the names that servers and migrations gave it by the way."""

from __future__ import annotations

from typing import Any

_WHOLE = "relnamespace = 'public'::regnamespace AND NOT relispartition"
_QUESTIONS = {
    "column": f"""
        SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage,
            collation_for, pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            LEFT JOIN LATERAL (SELECT collname AS collation_for FROM pg_collation WHERE oid = attcollation) c ON true
        WHERE {_WHOLE} AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped""",
    "constraint": f"""
        SELECT conrelid::regclass, pg_get_constraintdef(pg_constraint.oid), condeferrable, condeferred, convalidated
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE {_WHOLE}""",
    "index": f"""
        SELECT indrelid::regclass, replace(pg_get_indexdef(indexrelid), indexrelid::regclass::text, 'it')
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE {_WHOLE}""",
    "trigger": f"""
        SELECT tgrelid::regclass, pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE {_WHOLE} AND NOT tgisinternal""",
    "function": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "partitions": "SELECT partrelid::regclass, pg_get_partkeydef(partrelid) FROM pg_partitioned_table",
}


def schema_of(cursor: Any) -> set[tuple[object, ...]]:
    """Columns, constraints, indexes, triggers and functions of the schema `public`; of partitions, their parents'."""
    found: set[tuple[object, ...]] = set()
    for kind, question in _QUESTIONS.items():
        cursor.execute(question)
        found |= {(kind, *row) for row in cursor.fetchall()}
    return found

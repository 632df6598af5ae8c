"""The one evaluator: typed expressions, orders and aggregates on Arrow columns, with PostgreSQL's meaning of each (0007).

Conditions have three values, and a row is kept only where the whole is true. Text is compared by code points (the C
collation), NaN equals NaN and is the greatest number, jsonb has PostgreSQL's own order, and regular expressions run on RE2.

Entry points: `filter.keep`, `filter.mask`, `filter.check`, `sort.positions`, `aggregate.Groups`.
"""

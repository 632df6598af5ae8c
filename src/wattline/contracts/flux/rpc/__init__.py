"""The functions under `/rest/v1/rpc`: intervals of meter readings, and batches of market data.

A function takes its arguments by name, from a JSON body or the query string, and returns rows that are filtered, ordered and
shown like those of a relation, or nothing. What a counter advanced in an interval is computed in `deltas`, from arrays alone.

Entry points: `functions.build`, `call.Calls`.
"""

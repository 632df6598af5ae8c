"""PostgreSQL's values: literals and JSON in, typed Arrow columns; columns out as PostgreSQL prints them.

Whatever is refused is refused in PostgreSQL's words and with its SQLSTATE. Columns are held as `catalog.Type` says.
In: `literal.parse`, `literal.array`, `payload.column`. Out: `render`, `encode.json_array`, `encode.csv`, `constraint`.
Between: `cast.cast`.
"""

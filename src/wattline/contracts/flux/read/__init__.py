"""Reads of relations: from a parsed query to the page of rows that answers it, with what is embedded, counted and cast.

A query is planned once (`planning`), and the plan is kept. A scan is consumed in slices: no more rows are held than one answer
may have. Related rows are fetched for all rows together, one scan an embed.

Entry points: `rows.Reader.read` for a relation, `.of` for what a function returned, `.represent` for what was written.
"""

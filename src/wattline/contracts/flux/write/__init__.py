"""Writes to relations: POST, PATCH, PUT and DELETE, each all or nothing, whatever the relation is made of.

Invariants: `Relation.turn` is held from the first look at what is there to the end of the commit; all that can refuse a
request, the answer's own shape too, is found before `commit`, which is called once. Refusals are PostgreSQL's and PostgREST's.

Entry points: `inserting.insert`, `updating.update`, `deleting.delete`, `putting.put`: `model.Request` in, `model.Written` out.
"""

"""Documents with integer ids: what a caller configures, such as meters, groups, tariffs, and the nodes of a topology.

Invariants: every change has a version and stays readable as it was; a writer decides on what is committed, in every process;
what history refers to is marked as removed and never erased; an id of another tenant does not exist.
Entry point: `service.Resources`. What a document of a kind must hold is checked by the package that the kind belongs to.
"""

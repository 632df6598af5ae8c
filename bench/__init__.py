"""Measurements of the running product: real servers, sockets and disks. `python -m bench` prints a table and writes JSON.

Invariants: a slow figure never fails the run, a bench that crashes does; every figure states its machine and its target;
a figure is the median of several runs after a warm-up.
Entry points: `catalog.BENCHES` (what is measured), `runner.run` (one way to run it), `figure.Figure` (one line of the table).
"""

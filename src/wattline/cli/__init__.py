"""The command line: `wattline serve | demo | key | recipient | events | registry | flux | household | models | version`.

Invariants: a command says what went wrong in one line on standard error, without a traceback and without a secret; 2 is the
exit code of a wrong request, 1 of one that failed; what is meant for another program is alone on standard output.
Entry points: `main`; one file per group of commands.
"""

import gc


def main() -> None:
    """Run the command line."""
    # What is imported stays: to look among it for garbage again and again takes a quarter of the time of a start.
    gc.disable()
    from wattline.cli.program import main as run

    gc.freeze()
    gc.enable()
    run()

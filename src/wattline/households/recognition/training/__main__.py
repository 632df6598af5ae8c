"""`python -m wattline.households.recognition.training FILE`, in the training environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from wattline.households.recognition.training.fit import train
from wattline.model.errors import WattlineError


def _tell(done: int, of: int, doing: str) -> None:
    sys.stdout.write(json.dumps({"done": done, "of": of, "doing": doing}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        about = train(Path(sys.argv[1]), _tell)
    except WattlineError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(1)
    sys.stdout.write(json.dumps({"about": about}) + "\n")

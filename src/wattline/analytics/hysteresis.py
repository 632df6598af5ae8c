"""From scores to a state that does not flutter: raised at 0.7, cleared by two scores on end below 0.5."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.analytics.model import ANOMALY, CALM, CERTAIN

SCORES_TO_CLEAR = 2
SCORES_TO_CONFIRM = 2


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """`active` from the first flagged score until cleared; `flagged` and `calm` count scores on end."""

    active: bool = False
    flagged: int = 0
    calm: int = 0

    def after(self, score: float) -> Hysteresis:
        """The state once this score is known."""
        if score >= ANOMALY:
            return Hysteresis(True, self.flagged + 1, 0)
        if not self.active or score >= CALM:
            return Hysteresis(self.active, 0, 0)
        calm = self.calm + 1
        return QUIET if calm >= SCORES_TO_CLEAR else Hysteresis(True, 0, calm)

    def confirmed_by(self, score: float) -> bool:
        """Whether this state, reached by this score, deserves someone's attention: a second flagged score, or one of 0.9."""
        return self.active and (self.flagged >= SCORES_TO_CONFIRM or score >= CERTAIN)


QUIET = Hysteresis()

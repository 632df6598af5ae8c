"""Anomaly scores of the grid frequency: two models side by side, and the incidents that their scores open.

Invariants: a score depends on its window of readings alone; nominal frequency is configured, never guessed; tenants never mix;
one disturbance is one incident, however many substations feel it.
Entry points: `service.ScoringService`, `model.FrequencyWindow`, `settings.ScoringSettings`, `limits.FrequencyLimits`.
"""

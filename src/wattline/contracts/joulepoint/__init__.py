"""The Joulepoint API below /api/energy, /api/integrations, /api/events and /oauth: meters, their readings, analytics, power
quality, topology.

Invariants: a failure is a problem document (RFC 9457) with its request's id; who asks is known before a body is read; an id of
another tenant is 404; every path is answered with a slash at its end and without.
Entry points: `gate.Gate`, `resource_routes.build`, `problem.answer`, and `routes.build` for the whole.
"""

from wattline.contracts.joulepoint.routes import JoulepointContract, build

__all__ = ["JoulepointContract", "build"]

"""Writing tariffs. Terms that an account is billed by stay as they are: a change of them begins later, as another version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattline.billing.tariffs.checks import TERMS, read
from wattline.billing.tariffs.model import Tariff, tariff_of
from wattline.metering.checks import moment
from wattline.metering.checks_references import References
from wattline.metering.keeping import Keeping
from wattline.model.clock import Clock
from wattline.model.errors import Conflict, NotFound
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources

MOST_FORMER = 100
USED = (
    "an account is billed by this tariff: its terms can only change from a valid_from on that is not past and comes after "
    "that of the present terms"
)


class Tariffs(Keeping):
    """The tariffs of every tenant. One is used while an account has it assigned, at whatever time.

    A tariff that is not used is replaced as it is. The terms of a used one can change from a `valid_from` on that is neither
    past nor before that of the present terms, which then are kept in `former`, and end there; prices that are yet to come can
    be added to its series. Its currency stays.
    """

    kind: Kind = "tariff"

    def __init__(self, resources: Resources, references: References, clock: Clock) -> None:
        super().__init__(resources, references)
        self._clock = clock
        self._tariffs: dict[int, Tariff] = {}
        resources.on_change("tariff", self._changed)

    def _changed(self, resource: Resource) -> None:
        if resource.removed is None:
            self._tariffs[resource.id] = tariff_of(resource)
        else:
            self._tariffs.pop(resource.id, None)

    def find(self, tenant: str, number: int) -> Tariff | None:
        """The tenant's tariff with this id, None where there is none."""
        found = self._tariffs.get(number)
        return None if found is None or found.tenant != tenant else found

    def get(self, tenant: str, number: int) -> Tariff:
        """The tenant's tariff with this id. Raises `NotFound`."""
        found = self.find(tenant, number)
        if found is None:
            raise NotFound("no such tariff")
        return found

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in body.items() if name != "former"} if isinstance(body, Mapping) else body
        result = read(given)
        result["former"] = [] if known is None else known.body["former"]
        if known is not None and self._references.users(tenant, "tariff", known.id):
            self._check_used(known, result)
        return result

    def _check_used(self, known: Resource, result: dict[str, Any]) -> None:
        before = known.body
        if all(before[name] == result[name] for name in TERMS) or self._only_adds(before, result):
            return
        if before["currency"] != result["currency"]:
            raise Conflict("an account is billed by this tariff, so its currency stays")
        start, former = _time(result["valid_from"]), _time(before["valid_from"])
        if start is None or start < self._clock.micros() or (former is not None and start <= former):
            raise Conflict(USED)
        if len(result["former"]) >= MOST_FORMER:
            raise Conflict(f"a tariff has at most {MOST_FORMER} former terms")
        ended = _time(before["valid_to"])
        kept = {name: before[name] for name in TERMS} | {"version": known.version}
        if ended is None or ended > start:
            kept["valid_to"] = result["valid_from"]
        result["former"] = [*result["former"], kept]

    def _only_adds(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """Whether nothing is other than prices for what had none, or that have not begun.

        Where there is a calendar, every hour had a price: then those that have begun stay as they are.
        """
        if any(before[name] != after[name] for name in TERMS if name != "series"):
            return False
        begun, now_begun = (self._begun(each["series"]) for each in (before, after))
        return begun == now_begun if before["energy"] is not None else all(price in now_begun for price in begun)

    def _begun(self, series: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        now = self._clock.micros()
        return [price for price in series if (_time(price["from"]) or 0) <= now]


def _time(text: str | None) -> int | None:
    return None if text is None else moment(text)

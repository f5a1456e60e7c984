"""Which sites a thing is in the scope of, and how far the grants of a person reach (design section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from custody.domain.acts.allocation import BagReserved, KitAssigned
from custody.domain.acts.base import Act
from custody.domain.acts.manufacturing import BagsFilled
from custody.domain.acts.people import RoleGranted
from custody.domain.acts.shipping import HandoffOffered, ShipmentPlanned
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import SiteEntry, content_from
from custody.domain.deeds import Deed, Deeds, Signed
from custody.domain.duties import Grant
from custody.domain.ids import AccountId, LotId, Node, PersonId, ShipmentId, SiteId, StudyId
from custody.domain.terms import Role, SiteKind

TRIAL_WIDE = frozenset(
    {
        Role.SPONSOR,
        Role.INSPECTOR,
        Role.BLINDED_MONITOR,
        Role.UNBLINDED_MONITOR,
        Role.DATA_SAFETY_BOARD,
        Role.SAFETY_OFFICER,
        Role.SAFETY_UNBLINDER,
        Role.IWRS,
        Role.QP,
        Role.QA_REVIEWER,
    }
)
"""Roles whose work is the trial as a whole: their grants reach every thing of the study; masking hides the arm all the same.

Decided from the rules page: inspector and monitors read the whole record, which must show who held what where (3, 10). The sponsor, the
data-safety board and the safety officer open, halt and watch the trial and are told of every exception and late failure (9.3, 9.4). The
IWRS allocates bags of any maker to doses of any hospital (4 G7, 13), and an unblinder may be asked for any participant at any hour (13).
The qualified person certifies back to the mother's consent (4 G6), and a hold, a recall, a gap or an excursion that quality decides on
reaches every bag, place and recipient (9.3, 9.5, 10, 11).
"""

AT_A_SITE = frozenset(Role) - TRIAL_WIDE - {Role.ADMINISTRATOR}
"""Roles whose work is done at a place: who recruits, makes, tests, stores, carries, receives, prepares, gives, treats (rules section 3)."""

ADMINISTERED = frozenset({"account", "site", "study"})
"""What an administrator reaches, everywhere, and nothing else: they have no GMP rights (rules section 3)."""

OF_NO_STUDY = frozenset({"account", "site"})
"""People and places work for several studies: none of these is of one study alone, wherever it was recorded."""

FOR_A_MAKER = frozenset({"donor", "donation", "tissue"})
"""Bound for whichever maker of the study takes them in: no act names it before the tissue arrives, and the laboratories that work to GMP
recruit the donors and test what they gave (trial page, source)."""

OF_THE_STUDY = frozenset({"logger", "shipper"})
"""Equipment that travels: it goes round all sites of the study and no act says where it is between two trips. It tells of no donor, lot or
participant."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The sites that made a thing, held it or are its destination, and who it is being handed to.

    `unread`: things that could widen this and were not at hand; while there are any, nobody has been shut out for certain.
    """

    sites: frozenset[SiteId] = frozenset()
    persons: frozenset[PersonId] = frozenset()
    unread: tuple[Node, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far somebody sees: the sites they work at, everything of their study, or people and places only."""

    sites: frozenset[SiteId] = frozenset()
    account: AccountId | None = None
    person: PersonId | None = None
    everywhere: bool = False
    administers: bool = False

    def is_certain(self, node: Node) -> bool:
        """Whether they reach a thing of this name wherever it is."""
        return self.everywhere or node == self.account or (self.administers and node.kind in ADMINISTERED)

    def covers(self, node: Node, scope: Scope) -> bool:
        return self.is_certain(node) or not self.sites.isdisjoint(scope.sites) or self.person in scope.persons


EVERYTHING = Reach(everywhere=True)
"""Whoever runs commands on the server sees what the database holds anyway."""


def reach_of(grants: Iterable[Grant], study: StudyId | None, *, account: AccountId | None = None, person: PersonId | None = None) -> Reach:
    """How far these grants reach for somebody who works in `study`."""
    here = [grant for grant in grants if grant.covers(study)]
    return Reach(
        sites=frozenset(grant.site for grant in here if grant.role in AT_A_SITE),
        account=account,
        person=person,
        everywhere=any(grant.role in TRIAL_WIDE for grant in here),
        administers=any(grant.role is Role.ADMINISTRATOR for grant in here),
    )


def scope_of(node: Node, streams: Mapping[str, Deeds]) -> Scope:
    """The scope of `node` as its own stream tells it, widened by the other streams at hand.

    More streams never make it smaller. A thing without acts is in nobody's scope.
    """
    read = _Read(streams)
    deeds = read.deeds(node)
    sites = _OF_KIND.get(node.kind, _made_or_held)(read, deeds) if deeds else frozenset()
    if node.kind == "site" and deeds:
        sites |= _with_a_study_in_common(node, streams)
    return Scope(sites=sites, persons=_offered_to(deeds), unread=tuple(read.unread))


def sites_of_study(deeds: Deeds) -> tuple[SiteEntry, ...]:
    """Every site that a version of the study in force named, oldest version first; a site that left may still look back."""
    return deeds.once("sites of the study", lambda: tuple(dict.fromkeys(_sites_in_force(deeds))))


def _sites_in_force(deeds: Deeds) -> Iterable[SiteEntry]:
    proposed = {deed.act.study_version: deed.act.content for deed in deeds if isinstance(deed.act, StudyProposed)}
    versions = [deed.act.study_version for deed in deeds if isinstance(deed.act, StudyApproved)]
    return (site for version in versions if version in proposed for site in content_from(proposed[version], version).sites)


class _Read:
    """The streams at hand, and which others were asked for."""

    def __init__(self, streams: Mapping[str, Deeds]) -> None:
        self._streams = streams
        self.unread: dict[Node, None] = {}

    def deeds(self, node: Node) -> Deeds:
        found = self._streams.get(node.key)
        if found is None:
            self.unread[node] = None
            return Deeds()
        return found

    def study_sites(self, deeds: Deeds, *kinds: SiteKind) -> tuple[SiteEntry, ...]:
        """Sites of the studies that these acts belong to; of these kinds, where any are given."""
        studies = (place for place in deeds.places if isinstance(place, StudyId))
        return tuple(site for study in studies for site in sites_of_study(self.deeds(study)) if not kinds or site.kind in kinds)


Sites = frozenset[SiteId]


def _own(deeds: Deeds) -> Sites:
    """Where the people sat who wrote in this stream: they made the thing, held it, or acted on it."""
    return deeds.gathered("own sites", lambda deed: (by.site for by in _people(deed)))


def _people(deed: Deed[Act]) -> Iterable[Signed]:
    return (deed.began.by, deed.entry.by, *deed.signers)


def _named_in_plan(deeds: Deeds) -> Sites:
    return frozenset(site for deed in deeds if isinstance(deed.act, ShipmentPlanned) for site in (deed.act.origin, deed.act.destination))


def _made_or_held(read: _Read, deeds: Deeds) -> Sites:
    del read
    return _own(deeds)


def _granted_at(read: _Read, deeds: Deeds) -> Sites:
    """An account belongs to the sites where it was ever given a role, not to those who wrote that down."""
    del read
    return frozenset(deed.act.site for deed in deeds if isinstance(deed.act, RoleGranted))


def _bound_for_a_maker(read: _Read, deeds: Deeds) -> Sites:
    return _own(deeds) | {site.id for site in read.study_sites(deeds, SiteKind.MANUFACTURER)}


def _travelling(read: _Read, deeds: Deeds) -> Sites:
    return _own(deeds) | {site.id for site in read.study_sites(deeds)}


def _study(read: _Read, deeds: Deeds) -> Sites:
    del read
    return _own(deeds) | {site.id for site in sites_of_study(deeds)}


def _shipment(read: _Read, deeds: Deeds) -> Sites:
    """Where it comes from and goes to, and the carrier organisations of its legs: the sites of the study that bear their names."""
    carriers = {leg.carrier for deed in deeds if isinstance(deed.act, ShipmentPlanned) for leg in deed.act.legs}
    carrying = {site.id for site in read.study_sites(deeds, SiteKind.CARRIER) if site.name in carriers} if carriers else set()
    return _own(deeds) | _named_in_plan(deeds) | carrying


def _bag(read: _Read, deeds: Deeds) -> Sites:
    """Its maker, everybody who has a shipment it was in, and the hospital of a dose it was reserved for."""
    shipments = (node for node in deeds.followed if isinstance(node, ShipmentId))
    travelled = (_shipment(read, read.deeds(shipment)) for shipment in shipments)
    return _own(deeds).union(*travelled, *_of_doses(read, deeds))


def _of_doses(read: _Read, deeds: Deeds) -> Iterable[Sites]:
    doses = dict.fromkeys(deed.act.dose for deed in deeds if isinstance(deed.act, BagReserved))
    return (_own(read.deeds(dose)) for dose in doses)


def _lot(read: _Read, deeds: Deeds) -> Sites:
    """Its maker, and where its bags were sent or reserved; a carrier of its bags needs to know nothing of it."""
    sites = set(_own(deeds))
    for bag in dict.fromkeys(bag for deed in deeds if isinstance(deed.act, BagsFilled) for bag in deed.act.bags):
        of_bag = read.deeds(bag)
        sites.update(*(_named_in_plan(read.deeds(node)) for node in of_bag.followed if isinstance(node, ShipmentId)))
        sites.update(*_of_doses(read, of_bag))
    return frozenset(sites)


def _dose(read: _Read, deeds: Deeds) -> Sites:
    """Its hospital, and the maker of a lot whose failed result an exceptional release is asked for (rules section 9.4 b)."""
    return _own(deeds).union(*(_own(read.deeds(node)) for node in deeds.followed if isinstance(node, LotId)))


def _kit(read: _Read, deeds: Deeds) -> Sites:
    """Whoever assigned it, and the hospital of its participant."""
    assigned = dict.fromkeys(deed.act.participant for deed in deeds if isinstance(deed.act, KitAssigned))
    return _own(deeds).union(*(_own(read.deeds(participant)) for participant in assigned))


def _participant(read: _Read, deeds: Deeds) -> Sites:
    """Where they are treated. Whoever of the trial as a whole assesses or reports an event elsewhere brings no colleague of their site."""
    del read
    return deeds.gathered("sites of treatment", lambda deed: (by.site for by in _people(deed) if by.role not in TRIAL_WIDE))


def _with_a_study_in_common(node: Node, streams: Mapping[str, Deeds]) -> Sites:
    """The sites of one study know each other: a shipment must be able to name where it goes, and a STOP whom to call."""
    studies = (sites_of_study(deeds) for key, deeds in streams.items() if key.startswith("study:"))
    return frozenset(site.id for sites in studies if node in {site.id for site in sites} for site in sites)


def _itself(read: _Read, deeds: Deeds) -> Sites:
    del read
    return frozenset(node for node in (deed.act.subject for deed in deeds) if isinstance(node, SiteId))


_OF_KIND: dict[str, Callable[[_Read, Deeds], Sites]] = {
    **dict.fromkeys(FOR_A_MAKER, _bound_for_a_maker),
    **dict.fromkeys(OF_THE_STUDY, _travelling),
    "study": _study,
    "site": _itself,
    "account": _granted_at,
    "lot": _lot,
    "bag": _bag,
    "kit": _kit,
    "shipment": _shipment,
    "dose": _dose,
    "participant": _participant,
}
"""Every other kind (bank, material, equipment) is only where it was made and held."""


def _offered_to(deeds: Deeds) -> frozenset[PersonId]:
    """The person the newest hand-over names: they may be of any site, and must find what they are to accept."""
    offers = [deed.act for deed in deeds.of((HandoffOffered,)) if isinstance(deed.act, HandoffOffered)]
    return frozenset(offer.to_person for offer in offers[-1:] if offer.to_person is not None)

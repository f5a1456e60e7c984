"""The machine's rules about the product: late results, exceptions, a parcel that arrives, preparation, spares."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from custody.domain.terms import Answer
from custody.workflows.rehearsal.bedside import PREPARERS
from tests.journeys.bench import FINAL_BLOWS_AFTER, Bench, answers, bags, doses
from tests.journeys.mistakes import RESULTS

OF_A_BAG = ("container_whole", "no_sign_of_thaw", "label_readable", "label_equals_order", "out")


class Product(Bench):
    """Results that come late, exceptions, the parcel, preparation, spares."""

    @precondition(lambda self: self.deeds_done > FINAL_BLOWS_AFTER)
    @rule(cast=doses, late=bags)
    def a_late_result_comes(self, cast, late):
        self.ward.late_lot_result(self.cast(cast), *self.scene.late[late % len(self.scene.late)])

    @precondition(lambda self: self.deeds_done > FINAL_BLOWS_AFTER)
    @rule(
        cast=doses,
        late=st.sampled_from(["VIA", "VIA", "CNT", "CD34"]),
        left_out=st.sampled_from([*[None] * 12, 0, 1, 2, 3, 4]),
        order=st.sampled_from([*["right"] * 6, "swapped"]),
        prepared=st.sampled_from([*[True] * 6, False]),
        evaluator=st.sampled_from([*["demo-qc-reviewer-one"] * 6, "demo-qa-one", "demo-qp-one"]),
    )
    def an_exception_is_sought(self, cast, late, left_out, order, prepared, evaluator):
        """Sometimes a step is forgotten, comes too early or is signed by somebody who has another part in it."""
        cast = self.cast(cast)
        self.seeks_an_exception(cast, late, left_out=left_out, swapped=order == "swapped", prepared=prepared, evaluator=evaluator)
        self.starts_next(cast)

    @precondition(lambda self: self.scene.parcels)
    @rule(seals=st.sampled_from(["right", "right", "wrong"]), code=st.sampled_from(["B-118204", "B-118204", "B-118205"]))
    def the_courier_hands_the_parcel_in(self, seals, code):
        parcel, _ = self.scene.parcels[0]
        self.ward.hand_in(parcel, seals=None if seals == "right" else self.ward.other_seal(parcel), code=code)

    @precondition(lambda self: self.scene.parcels)
    @rule(
        wrong=st.sampled_from([None, None, None, "seal", "damage", "documents", "count"]),
        file=st.sampled_from([True, True, False]),
        now=st.booleans(),
    )
    def the_parcel_arrives(self, wrong, file, now):
        (parcel, own), *_ = self.scene.parcels
        if self.ward.model.of("shipment_arrived", shipment=parcel.shipment.key) and now:
            self.ward.bring_documents(parcel)
            return
        if now:
            self.ward.hand_in(parcel)
            self.ward.hand_in(parcel)
        other = {
            "seal": {"seals": self.ward.other_seal(parcel)},
            "damage": {"outside_undamaged": Answer.NO},
            "documents": {"documents": ("packing_list",)},
            "count": {"bags_counted": 1},
        }
        self.ward.arrive(parcel, own, **other.get(wrong, {}))
        if file:
            self.ward.read_trip_file(parcel)

    @precondition(lambda self: any(not self.ward.model.of("shipment_arrived", shipment=p.shipment.key) for p, _ in self.scene.parcels))
    @rule(spare_for=doses)
    def the_parcel_is_brought_in(self, spare_for):
        self.brings_the_parcel_in(self.cast(spare_for))

    @precondition(lambda self: any(self.ward.model.of("shipment_arrived", shipment=p.shipment.key) for p, _ in self.scene.parcels))
    @rule(
        bag=bags,
        wrong=st.sampled_from([None, None, None, None, *OF_A_BAG]),
        answer=answers,
        whose=st.sampled_from(["both", "second"]),
        second=st.sampled_from(["same bag", "same bag", "same bag", "other bag", "same person"]),
        file=st.booleans(),
    )
    def a_bag_of_the_parcel_is_received(self, bag, wrong, answer, whose, second, file):
        (parcel, own), *_ = self.scene.parcels
        mine, beside = own[bag % len(own)], own[(bag + 1) % len(own)]
        if file:
            self.ward.read_trip_file(parcel)
        read = {"out_of_shipper_minutes": 11} if wrong == "out" else {wrong: answer} if wrong else {}
        by = ("demo-receiver-one", "demo-receiver-one" if second == "same person" else "demo-receiver-two")
        said = {"second": read} if whose == "second" else read
        self.ward.receive(parcel, mine, by=by, second_bag=beside if second == "other bag" else None, **said)

    @precondition(lambda self: self.scene.parcels)
    @rule(bag=bags, reject=st.booleans())
    def a_bag_of_the_parcel_is_refused(self, bag, reject):
        (parcel, own), *_ = self.scene.parcels
        mine = own[bag % len(own)]
        if self.ward.model.state(mine.key) == "arrived":
            self.ward.refuse_at_receipt(parcel, mine, reject=reject)

    @rule(cast=doses, bag=bags)
    def a_spare_is_reserved(self, cast, bag):
        self.ward.spare(self.cast(cast), self.bag(bag))

    @rule(cast=doses, index=bags, then=st.sampled_from(["nothing", "destroy", "spare", "spare"]))
    def a_prepared_bag_is_given_up(self, cast, index, then):
        self.gives_up_a_bag(self.cast(cast), index, then)

    @precondition(lambda self: self.deeds_done > FINAL_BLOWS_AFTER)
    @rule(bag=bags)
    def a_bag_is_destroyed(self, bag):
        if self.ward.model.state(self.bag(bag).key) not in ("running", "used"):
            self.ward.destroy(self.bag(bag))

    @rule(bag=bags, back=st.booleans())
    def a_bag_is_moved(self, bag, back):
        bag = self.bag(bag)
        if self.ward.model.state(bag.key) == "received":
            self.ward.take_out(bag)
            if back:
                self.ward.put_back(bag)

    @rule(
        cast=doses,
        bag=bags,
        other=bags,
        right=st.booleans(),
        same=st.sampled_from([True, True, False]),
        by=st.sampled_from([PREPARERS, PREPARERS, PREPARERS[:1] * 2, (PREPARERS[1], "demo-receiver-one")]),
        whole=answers,
    )
    def a_bag_is_thawed_for_a_dose(self, cast, bag, other, right, same, by, whole):
        cast = self.cast(cast)
        bag = self.own_bag(cast, bag, right)
        self.ward.prepare(cast, bag, by, whole=whole, other_bag=bag if same else self.bag(other))

    @rule(cast=doses, bag=bags, test=st.sampled_from(["APP", "CCI", "LAB"]), good=st.booleans())
    def a_prepared_bag_is_tested(self, cast, bag, test, good):
        cast, bag = self.cast(cast), self.bag(bag)
        if self.ward.model.of("bag_preparation_started", dose=cast.dose.key, bag=bag.key):
            self.ward.result(cast, bag, test, RESULTS[test][0 if good else 1])

    @precondition(lambda self: self.scene.kits)
    @rule(bag=bags, label=st.sampled_from([None, None, "COVER-SAME"]))
    def a_bag_is_covered(self, bag, label):
        if self.ward.model.of("bag_preparation_started", bag=self.bag(bag).key):
            self.ward.cover(self.bag(bag), label)

    @rule(cast=doses, bag=bags, right=st.booleans())
    def a_bag_is_released_for_its_dose(self, cast, bag, right):
        cast = self.cast(cast)
        self.ward.release_bag(cast, self.own_bag(cast, bag, right))

"""Plans of faults: whom they befall, how often, and that they repeat."""

from random import Random
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from perf.lab.providers.faults import Fault, Kind, Plan, fault_from, spoil
from perf.lab.providers.provider import Outcome, Provider, Reply, Request, Terms, route


class Free(Provider):
    """A provider without limits that answers one path."""

    name = "free"
    keys = MappingProxyType({})

    @route("/thing")
    def thing(self, _request, _now):
        """Answer a number and a text."""
        return {"n": 1, "text": ["a", None]}


def drawn(plan, calls, label="/thing", *, reused=False):
    """Return the kinds that befall so many calls."""
    faults = [plan.draw(label, reused=reused) for _ in range(calls)]
    return [fault and fault.kind for fault in faults]


def plan_of(*faults, seed=1):
    """Return a plan of those faults."""
    plan = Plan(Random(seed))
    plan.put(faults)
    return plan


def test_a_plan_is_used_up_in_order():
    """The first fault befalls its calls, then the second, then nothing does."""
    plan = plan_of(Fault(Kind.RESET, times=2), Fault(Kind.SHORT))
    assert drawn(plan, 5) == [Kind.RESET, Kind.RESET, Kind.SHORT, None, None]


def test_a_fault_for_ever_does_not_end():
    """`times=None` befalls every call."""
    assert drawn(plan_of(Fault(Kind.GARBAGE, times=None)), 50) == [Kind.GARBAGE] * 50


def test_a_share_repeats_with_its_seed():
    """A fault of 30 % befalls about 30 of 100 calls, the same ones again."""
    fault = Fault(Kind.GARBAGE, times=None, share=0.3)
    first, again = (drawn(plan_of(fault, seed=4), 400) for _ in range(2))
    assert first == again
    assert 0.22 < sum(kind is not None for kind in first) / 400 < 0.38


def test_a_path_that_does_not_fit_uses_nothing_up():
    """A fault waits for its path, also for a drop that waits for a used connection."""
    plan = plan_of(Fault(Kind.RESET, path="/other*"), Fault(Kind.DROP))
    assert drawn(plan, 3) == [None] * 3
    assert drawn(plan, 1, "/other/1") == [Kind.RESET]
    assert drawn(plan, 2, reused=True) == [Kind.DROP, None]


@given(
    st.builds(
        Fault,
        st.sampled_from(Kind),
        st.none() | st.integers(1, 9),
        st.floats(0, 1),
        retry_after=st.none() | st.just("3"),
    )
)
def test_a_fault_survives_the_way_to_the_server(fault):
    """What is sent as JSON is read as the same fault."""
    assert fault_from(fault.to_dict()) == fault


def test_what_replaces_an_answer_asks_nobody():
    """A planned status is not the provider's answer; a spoilt body is."""
    provider = Free(Terms())
    request = Request("GET", "/thing")
    reply = spoil(Fault(Kind.STATUS, status=502), provider, request, 0.0, 0.0)
    assert (reply.status, provider.sequence) == (502, 0)
    spoil(Fault(Kind.DROP), provider, request, 0.0, 0.0)
    assert provider.sequence == 0
    spoil(Fault(Kind.GARBAGE), provider, request, 0.0, 0.0)
    assert provider.sequence == 1


def test_wrong_types_keep_the_shape():
    """Every value becomes a list of itself, at its place."""
    reply = spoil(Fault(Kind.WRONG_TYPES), Free(Terms()), Request("GET", "/thing"), 0.0, 0.0)
    assert reply.body == b'{"n": [1], "text": [["a"], [null]]}'


def test_wrong_types_of_what_is_no_json_are_something_else():
    """CSV becomes a table of nothing."""

    class Csv(Free):
        name = "csv"

        @route("/csv")
        def csv(self, _request, _now):
            return Reply(200, b"a,b\r\n", "text/csv")

    reply = spoil(Fault(Kind.WRONG_TYPES), Csv(Terms()), Request("GET", "/csv"), 0.0, 0.0)
    assert reply.body.startswith(b"[[")


def test_an_unknown_path_is_refused():
    """And not charged."""
    reply = Free(Terms()).answer(Request("GET", "/nothing"), 0.0)
    assert (reply.status, reply.outcome) == (404, Outcome.REFUSED)

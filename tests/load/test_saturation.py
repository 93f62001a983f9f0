"""What was at its limit in a run is named with its figure, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from load_samples import result, told

from perf.load.machine import Cores, busy_share, cores, stolen_share, waited_s
from perf.load.saturation import first_full, strained
from perf.load.server import Sample, from_json, to_json
from perf.load.told import Spread
from perf.load.validity import Generator, Worker

SECONDS = 10


def ran(busy=(50.0, 50.0), *, serve=0.4, waited=0.0, generating=0.5, stolen=0.0, **changes):
    """Return a run on two cores with these ticks, of a hundred a second, and shares of a core."""
    server = tuple(
        Sample(
            float(at_s),
            cpu_s={"serve": serve * at_s},
            waited_s={"serve": waited * at_s},
            generating_s=None if generating is None else generating * at_s,
            cores=Cores(
                {str(n): ticks * at_s for n, ticks in enumerate(busy)},
                {str(n): (100 - ticks) * at_s for n, ticks in enumerate(busy)},
                {str(n): stolen * at_s for n, _ in enumerate(busy)},
            ),
        )
        for at_s in range(SECONDS + 1)
    )
    return result(server=server, **changes)


def test_a_process_that_runs_all_the_time_is_named():
    """A loop cannot use more than one core."""
    assert first_full(ran(serve=0.98)) == "the processor of serve (98% of its limit)"


def test_at_ease_nothing_is_named_and_the_nearest_are_told():
    """What is not known is not guessed; the three figures nearest to a limit stand instead."""
    text = first_full(ran())
    assert text.startswith("not told: nothing that is watched was at its limit; nearest were")
    assert "the machine's 2 cores (50% of its limit; of all cores: the service's" in text
    assert text.count("of its limit") == 3


def test_a_full_machine_is_named_with_what_the_generator_took():
    """No process is at its own limit where all of them share two full cores."""
    assert first_full(ran((97.0, 95.0), serve=0.62, generating=0.7)) == (
        "the machine's 2 cores (96% of its limit; of all cores: the service's processes 31%, "
        "the generator 35%, the host 0%, all others 30%)"
        ": what was found is this machine's, with the generator on it"
    )


def test_what_the_host_takes_is_said():
    """Time stolen from a virtual machine is nobody's here, and fills its cores."""
    assert "the host 20%" in first_full(ran((97.0, 97.0), stolen=20.0))


def test_the_cores_left_to_the_service_are_named():
    """The generator has a core of its own, half idle; the other is full."""
    text = first_full(ran((40.0, 99.0), facts={"server_cores": [1]}))
    assert text.startswith("the cores left to the service, 1 of 2, (99% of its limit")


def test_a_process_that_waits_for_a_core_lacks_cores():
    """Running for 62 % and waiting for 33 % of the time is having work for 95 % of it."""
    text = first_full(ran(serve=0.62, waited=0.33))
    assert text == (
        "serve, which ran or waited for a core (95% of its limit; for 33% of the time it had none)"
    )


def test_a_late_loop_is_named_only_where_no_cause_is():
    """A loop is late because its process, or the machine, has no time."""
    late = [told(lag=Spread(n, 0.06 * n, ())) for n in (0.0, 100.0)]
    ends = (Sample(0.0, "before", told=late[0]), Sample(10.0, "after", told=late[1]))

    def run(serve):
        return replace(ran(), server=(ends[0], *ran(serve=serve).server, ends[1]))

    assert first_full(run(0.4)) == "the event loop (120% of its limit, 60 ms late in the mean)"
    assert first_full(run(0.95)).startswith("the processor of serve (95%")


def test_a_short_burst_is_no_saturation():
    """One second at the limit among idle ones is a third of the stretch that counts."""
    run = ran(serve=0.0)
    burst = tuple(replace(one, cpu_s={"serve": 1.0 if one.at_s > 5 else 0.0}) for one in run.server)
    found = {one.part: one.share for one in strained(replace(run, server=burst))}
    assert round(found["the processor of serve"], 2) == 0.33


def test_a_generator_at_its_limit_is_named():
    """Its own processor counts as any other part."""
    worker = Worker("worker 1", 0.7, 0.24, 1.0)
    assert first_full(ran(generator=Generator("open", (worker,)))) == (
        "the generator's processor (94% of its limit)"
    )


def test_cores_are_read_as_linux_tells_them(tmp_path):
    """Ticks of the host count as busy, those of waiting for disks as idle; the sum is no core."""
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  30 0 12 500 20 0 0 8 0 0\ncpu0 10 0 5 300 10 0 0 5 9 0\n"
        "cpu1 20 0 7 200 10 0 0 3 0 0\nintr 1\n"
    )
    assert cores(stat) == Cores(
        {"0": 20.0, "1": 30.0}, {"0": 310.0, "1": 210.0}, {"0": 5.0, "1": 3.0}
    )
    assert cores(tmp_path / "none") is None


def test_shares_are_of_the_time_between_two_readings():
    """Of one core a quarter was busy and a tenth taken by the host."""
    then, now = Cores({"0": 10}, {"0": 90}, {"0": 2}), Cores({"0": 35}, {"0": 165}, {"0": 12})
    assert busy_share(then, now, frozenset("0")) == 0.25
    assert stolen_share(then, now) == 0.1
    assert busy_share(now, now, frozenset("0")) is None


def test_a_process_that_is_gone_waited_for_an_unknown_time():
    """No pid is zero, so there is no such process."""
    assert waited_s(0) is None


def test_a_sample_is_read_back_as_it_was():
    """An older result has none of it, and is read as not knowing."""
    sample = ran().server[3]
    assert from_json(to_json(sample)) == sample
    old = {
        name: value
        for name, value in to_json(sample).items()
        if name not in {"cores", "waited_s", "generating_s"}
    }
    assert from_json(old).cores is None

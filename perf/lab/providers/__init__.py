"""Simulated providers: ten outside APIs on a loopback port, with their limits and their bad days.

A client is judged by what its providers see, so the lab has providers that can be asked. Each
answers in the words, types, paths and error shapes of the real one, from the lab's own data set,
and enforces the published limits. A `Simulation` is one server process; under
`http://127.0.0.1:PORT/<name>` lies what the real provider has under its base URL (for Alpha Vantage
that is the host, so its one path is `<name>/query`). Every call is counted. Latency is drawn from a
seeded distribution, faults follow a plan, and the provider's clock can run faster than ours: at
`pace` k a limit of one call a second is a limit of k calls a second, and a wait it states is k
times shorter.

    with Simulation("finnhub", pace=20) as providers:
        providers.fault("finnhub", Fault(Kind.STATUS, times=2, status=503))
        ...  # ask providers.url("finnhub") + "/quote?symbol=AAPL", with providers.key("finnhub")
        print(providers.counts("finnhub"))

Inside, a provider is a class that turns (request, now) into a reply and does no I/O. It never
guesses what no source describes: a path it does not know is answered with 404.
"""

from perf.lab.providers.faults import Fault, Kind
from perf.lab.providers.provider import Grade
from perf.lab.providers.simulation import Simulation, SimulationError
from perf.lab.providers.tally import Counts
from perf.lab.providers.wait import Latency

__all__ = ["Counts", "Fault", "Grade", "Kind", "Latency", "Simulation", "SimulationError"]

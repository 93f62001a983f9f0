"""Small files of each format, written by hand from the formats' own documents."""

from __future__ import annotations

import json

PYTEST_BENCHMARK = json.dumps(
    {
        "machine_info": {"node": "secret-host", "machine": "x86_64", "cpu": {"brand_raw": "A"}},
        "commit_info": {"id": "abc123", "dirty": False},
        "datetime": "2026-01-02T03:04:05.678+00:00",
        "benchmarks": [
            {"fullname": "t.py::fast", "stats": {"median": 2e-6, "q1": 1e-6, "q3": 3e-6}},
            {"fullname": "t.py::failed", "stats": {}},
        ],
        "version": "5.1.0",
    }
)
PYPERF = json.dumps(
    {
        "version": "1.0",
        "metadata": {"unit": "second", "hostname": "secret-host"},
        "benchmarks": [
            {
                "metadata": {"name": "sort"},
                "runs": [
                    {"metadata": {"date": "2026-01-02 03:04:05"}, "warmups": [[1, 0.2]]},
                    {"values": [0.1, 0.2]},
                    {"values": [0.3]},
                ],
            },
            {"metadata": {"name": "only calibrated"}, "runs": [{"warmups": [[1, 0.2]]}]},
        ],
    }
)
HYPERFINE = json.dumps(
    {
        "results": [
            {
                "command": "run --token=hunter2",
                "mean": 0.2,
                "median": 0.2,
                "times": [0.1, 0.2, 0.3],
                "exit_codes": [0, 0, 0],
            },
            {"command": "broken", "mean": 0.1, "times": [0.1], "exit_codes": [1]},
            {"command": "summary only", "mean": 0.5, "parameters": {"n": "3"}},
        ]
    }
)
K6 = json.dumps(
    {
        "metrics": {
            "http_req_duration": {
                "type": "trend",
                "contains": "time",
                "values": {"med": 1.5, "p(95)": 4, "avg": 2},
            },
            "http_req_failed": {"type": "rate", "values": {"rate": 0.25, "passes": 1, "fails": 3}},
            "http_reqs": {"type": "counter", "values": {"count": 40, "rate": 8}},
            "vus": {"type": "gauge", "values": {"value": 3, "min": 1, "max": 5}},
            "odd": {"type": "trend", "values": {}},
        },
        "root_group": {
            "checks": [{"name": "ok", "path": "::ok", "passes": 3, "fails": 1}],
            "groups": [{"checks": [{"name": "never", "passes": 0, "fails": 0}], "groups": []}],
        },
    }
)
K6_EXPORT = json.dumps(
    {"metrics": {"http_req_duration": {"avg": 2, "med": 1.5, "p(95)": 4, "max": 9, "min": 1}}}
)
ACTION = {
    "lastUpdate": 1,
    "entries": {
        "suite": [
            {
                "commit": {"id": "aaa", "timestamp": "2026-01-01T00:00:00+02:00"},
                "date": 1767225600000,
                "tool": "cargo",
                "benches": [
                    {"name": "b", "value": 100, "unit": "ns/iter", "range": "\xb1 10"},
                    {"name": "c", "value": "much", "unit": "ns/iter"},
                ],
            }
        ]
    },
}
ACTION_PAGE = f"window.BENCHMARK_DATA = {json.dumps(ACTION)};\n"
ACTION_LIST = json.dumps([{"name": "b", "value": 5, "unit": "MB"}])
LOCUST_STATS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Requests/s,50%,95%,99%\n"
    "GET,/a,200,50,10,20.5,10,90,99\n"
    "GET,/never,0,0,0,0,N/A,N/A,N/A\n"
    ",Aggregated,200,50,10,20.5,10,90,99\n"
)
LOCUST_FAILURES = "Method,Name,Error,Occurrences\nGET,/a,HTTPError('429 token=hunter2'),50\n"
LOCUST_EXCEPTIONS = "Count,Message,Traceback,Nodes\n"
LOCUST_HISTORY = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,99%\n"
    "1767225600,0,,Aggregated,0,0,N/A,N/A,N/A\n"
    "1767225601,5,,Aggregated,10,0,3,7,9\n"
    "1767225602,5,,Aggregated,30,1,5,9,11\n"
)
LOCUST_JSON = json.dumps(
    [
        {
            "name": "/a",
            "method": "GET",
            "num_requests": 4,
            "num_failures": 1,
            "start_time": 1767225600,
            "response_times": {"10": 3, "200": 1},
        },
        {"name": "/b", "method": "GET", "num_requests": 0, "response_times": {}},
    ]
)
TABLE = (
    "suite,benchmark,value,unit,range,commit,run_time_utc\n"
    "s,b,100,ns/iter,\xb1 10,aaa,2026-01-01T00:00:00Z\n"
    "s,b,?,ns/iter,,bbb,2026-01-02T00:00:00Z\n"
)
NUMBERED = "index,value\n0,5\n1,5\n2,6\n"

BENCH = json.dumps(
    {
        "schema": 1,
        "run": {
            "run": "r",
            "started": "2026-01-01T00:00:00Z",
            "commit": None,
            "dirty": None,
            "machine": "m",
        },
        "benchmarks": [
            {"id": "t.py::a", "seconds": 2e-6, "interval": [1e-6, 3e-6], "move": "new"},
            {"id": "t.py::b", "seconds": None, "interval": [None, None], "move": "new"},
        ],
    }
)

GATE = json.dumps(
    {
        "schema": 1,
        "base": "HEAD~1 (aaaaaaaaaa)",
        "head": "working tree on HEAD (bbbbbbbbbb)",
        "metric": "wall",
        "duration_s": 1.5,
        "benchmarks": [
            {
                "id": "t.py::a",
                "verdict": "slower",
                "reason": "confirmed",
                "base": 10.0,
                "change": 0.2,
                "interval": [0.1, None],
            },
            {
                "id": "t.py::zero",
                "verdict": "undecided",
                "reason": "no change is known of nothing",
                "base": 0.0,
                "change": None,
                "interval": None,
            },
            {
                "id": "t.py::new",
                "verdict": "only_head",
                "reason": "is new in head",
                "base": None,
                "change": None,
                "interval": None,
            },
        ],
        "broken": [{"id": "t.py::broken", "side": "head", "reason": "it raises"}],
        "measured": [{"id": "t.py::a", "pairs": [{"base": [10.0], "head": [12.0]}]}],
    }
)

"""Locust makes the standard library cooperative, so it may live in the generator's process only."""

import subprocess
import sys

CODE = """
import importlib, pkgutil, sys
import perf.claims, perf.cli, perf.commands, perf.experiments, perf.instruments, perf.report
import loadtests
packages = (perf.claims, perf.commands, perf.experiments, perf.instruments, perf.report, loadtests)
for package in packages:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(("__main__", "locustfile")):
            importlib.import_module(module.name)
print([name for name in ("locust", "gevent") if name in sys.modules])
"""


def test_no_command_claim_or_scenario_imports_locust():
    """Everything that the harness can import is imported, and neither Locust nor gevent is."""
    ran = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.stdout.strip() == "[]", ran.stderr

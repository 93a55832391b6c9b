#!/usr/bin/python3
"""The ready SLO documents for vLLM, their queries as they stand, before Prometheus' own rule tester: they count what
they should on servers of either metric name and either way of writing `le`, and nothing where no such bound is."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("CHAOS_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLOS = os.path.join(SOURCE, "experiments/slos")


def queries(name):
    """good and total of a document."""
    with open(os.path.join(SLOS, name)) as f:
        found = re.findall(r"^ *query: '(.*)'$", f.read(), re.M)
    assert len(found) == 2, f"{name}: {found}"
    return found


def histogram(name, counts, instance):
    """Series of a histogram: {le: cumulative count}."""
    labels = f'engine="0", model_name="m", instance="{instance}"'
    series = {f'{name}_bucket{{le="{le}", {labels}}}': n for le, n in counts.items()}
    series[f"{name}_count{{{labels}}}"] = max(counts.values())
    return series


class Vllm(unittest.TestCase):
    def expect(self, series, values):
        """promtool evaluates {query: value or None} over these constant series."""
        with tempfile.TemporaryDirectory(prefix="vllm-") as work:
            test = {
                "evaluation_interval": "1m",
                "tests": [{
                    "interval": "1m",
                    "input_series": [{"series": s, "values": f"{n}x2"} for s, n in series.items()],
                    "promql_expr_test": [
                        {"expr": q, "eval_time": "1m",
                         "exp_samples": [] if n is None else [{"labels": "{}", "value": n}]}
                        for q, n in values.items()],
                }],
            }
            path = os.path.join(work, "test.yaml")
            with open(path, "w") as f:
                json.dump(test, f)  # JSON is YAML
            done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_time_to_first_token(self):
        good, total = queries("vllm-ttft.yaml")
        name = "vllm:time_to_first_token_seconds"
        self.expect({**histogram(name, {"0.25": 5, "0.5": 70, "0.75": 90, "+Inf": 100}, "a"),
                     **histogram(name, {"0.25": 1, "0.5": 2, "0.75": 3, "+Inf": 4}, "b")}, {good: 72, total: 104})

    def test_inter_token_latency_by_either_name(self):
        good, total = queries("vllm-itl.yaml")
        new = histogram("vllm:inter_token_latency_seconds", {"0.1": 70, "+Inf": 100}, "a")
        old = histogram("vllm:time_per_output_token_seconds", {"0.1": 7, "+Inf": 10}, "b")
        both = histogram("vllm:time_per_output_token_seconds", {"0.1": 70, "+Inf": 100}, "a")
        self.expect(new, {good: 70, total: 100})
        self.expect(old, {good: 7, total: 10})
        self.expect({**new, **old}, {good: 77, total: 110})
        self.expect({**new, **both}, {good: 70, total: 100})  # one server with both names is counted once

    def test_whole_numbers_either_way(self):
        good, total = queries("vllm-e2e.yaml")
        name = "vllm:e2e_request_latency_seconds"
        for le in ("10", "10.0"):
            self.expect(histogram(name, {"5": 3, le: 70, "120": 90, "+Inf": 100}, "a"), {good: 70, total: 100})

    def test_queue_time(self):
        good, total = queries("vllm-queue-time.yaml")
        self.expect(histogram("vllm:request_queue_time_seconds", {"0.3": 70, "0.5": 90, "+Inf": 100}, "a"),
                    {good: 70, total: 100})

    def test_no_such_bound_is_no_data(self):
        good, total = queries("vllm-ttft.yaml")
        self.expect(histogram("vllm:time_to_first_token_seconds", {"0.25": 5, "0.5": 70, "+Inf": 100}, "a"),
                    {good.replace('"0.5"', '"0.3"'): None, total: 100})


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("SKIP: promtool is not installed")
        sys.exit(77)
    unittest.main()

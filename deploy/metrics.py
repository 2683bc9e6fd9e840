#!/usr/bin/env python3
"""Reads the alert rules and the dashboard, and holds them to what certbound exposes.

    metrics.py rules    the dashboard's expressions as a file of rules, for promtool
    metrics.py check    each metric is one of certbound's, each alert has its test and its runbook
"""

import json
import pathlib
import re
import sys

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
DASHBOARD = TOP / "deploy/grafana/certbound.json"
ALERTS = TOP / "deploy/prometheus/alerts.yaml"
TESTS = TOP / "deploy/prometheus/alerts.test.yaml"
SOURCES = TOP / "src/observe"
# What Prometheus adds to the name of a counter, and to that of a histogram.
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")


def expressions(node):
    """Every `expr` of the dashboard, with its variables filled in."""
    if isinstance(node, dict):
        if "expr" in node:
            yield re.sub(r"\$\w+", "any", node["expr"].replace("$__rate_interval", "5m"))
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from expressions(child)


def dashboard():
    found = list(expressions(json.loads(DASHBOARD.read_text())))
    assert len(found) > 20, f"{DASHBOARD} has {len(found)} expressions"
    return found


def alerts():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def exposed():
    """The names that certbound's source registers; of a counter and a histogram, without their suffix."""
    text = "".join(path.read_text() for path in SOURCES.rglob("*.rs"))
    found = set(re.findall(r'"((?:certbound|http)_[a-z_]+)"', text))
    assert len(found) > 20, f"{SOURCES} registers {len(found)} metrics"
    return found


def faults():
    known = exposed()
    for text in dashboard() + [rule["expr"] for rule in alerts()]:
        for name in re.findall(r"\b(?:certbound|http_server|http_client)_[a-z_]+", re.sub(r'"[^"]*"|\bby \([^)]*\)', "", text)):
            if not {name, SUFFIX.sub("", name)} & known:
                yield f"certbound has no metric {name}: {text}"

    tests = {test["name"]: str(test["promql_expr_test"]) for test in yaml.safe_load(TESTS.read_text())["tests"]}
    silent = {test["name"]: str(test["input_series"]) for test in yaml.safe_load(TESTS.read_text())["tests"]}
    runbook = TOP / "docs/operations.md"
    titles = re.findall(r"^#+ (.*)$", runbook.read_text(), re.M) if runbook.exists() else []
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    for rule in alerts():
        name = rule["alert"]
        if f'alertname="{name}",namespace="fires"' not in tests.get(name, ""):
            yield f"{TESTS}: nothing shows {name} fire"
        if 'namespace="silent' not in silent.get(name, ""):
            yield f"{TESTS}: nothing shows {name} stay silent"
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        if page != "docs/operations.md" or anchor not in anchors:
            yield f"{runbook} has no #{anchor}, where {name} sends whoever is woken"


def main():
    if sys.argv[1:] == ["rules"]:
        rules = [{"record": f"dashboard:{number}", "expr": text} for number, text in enumerate(dashboard())]
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)
        return
    assert sys.argv[1:] == ["check"], __doc__
    found = list(faults())
    print(*found, sep="\n", file=sys.stderr, end="\n" if found else "")
    sys.exit(bool(found))


main()

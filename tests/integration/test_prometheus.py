# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules and the dashboard, against promtool, a real Prometheus, and a real daemon."""
import glob
import json
import os
import re
import threading

import pytest
import yaml
from harness.daemon import ROOT
from harness.metrics import Endpoint
from harness.namespace import burst
from harness.prometheus import (DASHBOARD, RULES, RULE_TESTS, Prometheus, dashboard_queries,
                                metric_names, promtool)
from harness.redis_server import free_port
from harness.waiting import eventually

CONFIGURATION = os.path.join(ROOT, "docs", "prometheus", "prometheus.yml")
PROVISIONING = os.path.join(ROOT, "docs", "grafana", "provisioning")


def served_names(endpoint):
    text = endpoint.text()
    return set(re.findall(r"^# TYPE (\w+) ", text, flags=re.M)) | \
        set(re.findall(r"^(\w+)", text, flags=re.M))


@pytest.mark.no_root
def test_promtool_finds_no_fault_in_the_rules():
    code, said = promtool("check", "rules", RULES)
    assert code == 0 and "SUCCESS" in said, said


@pytest.mark.no_root
def test_promtool_finds_no_fault_in_the_configuration():
    code, said = promtool("check", "config", CONFIGURATION)
    assert code == 0 and "neightrack.rules.yml" in said, said


@pytest.mark.no_root
def test_what_grafana_is_provisioned_with_finds_dashboard_and_prometheus():
    """Grafana is not in Debian: this is as far as it goes without it."""
    files = {path: yaml.safe_load(open(path)) for path in glob.glob(f"{PROVISIONING}/*/*.yml")}
    assert len(files) == 2 and all(file["apiVersion"] == 1 for file in files.values())
    source, = next(file["datasources"] for file in files.values() if "datasources" in file)
    provider, = next(file["providers"] for file in files.values() if "providers" in file)
    variables = json.load(open(DASHBOARD))["templating"]["list"]
    assert source["type"] == next(v["query"] for v in variables if v["type"] == "datasource")
    assert source["url"].endswith(":9090") and source["isDefault"]
    assert provider["type"] == "file"
    readme = open(os.path.join(ROOT, "README.md")).read()
    assert f"docs/grafana/neightrack.json {provider['options']['path']}/" in readme
    assert "docs/prometheus/*.yml /etc/prometheus/" in readme
    assert "docs/grafana/provisioning /etc/grafana/" in readme


@pytest.mark.no_root
def test_the_alerts_fire_when_they_should_and_not_else():
    code, said = promtool("test", "rules", RULE_TESTS)
    assert code == 0, said


@pytest.mark.no_root
def test_every_alert_and_every_recorded_series_has_a_test():
    rules, tests = open(RULES).read(), open(RULE_TESTS).read()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) > 10
    assert [name for name in alerts if not re.search(rf'alertname[:=] ?"?{name}\b', tests)] == []
    recorded = re.findall(r"- record: (\S+)", rules)
    assert [name for name in recorded if f"expr: {name}" not in tests.replace("round(", "")] == []


@pytest.mark.no_root
def test_every_query_of_the_dashboard_is_promql(tmp_path):
    queries = [query for panel in dashboard_queries().values() for query in panel]
    assert len(queries) > 30
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
        {"record": f"dashboard:query:{i}", "expr": query} for i, query in enumerate(queries)]}]}))
    code, said = promtool("check", "rules", str(path))
    assert code == 0, said


@pytest.mark.no_root
def test_panels_of_the_dashboard_do_not_overlap():
    panels = json.load(open(DASHBOARD))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_metric_that_is_asked_for_is_served(watched):
    asked = metric_names("\n".join(line for line in open(RULES) if not line.startswith("#")))
    asked -= {name for name in asked if re.search(rf"- name: {name}\b", open(RULES).read())}
    for queries in dashboard_queries().values():
        for query in queries:
            asked |= metric_names(query)
    assert len(asked) > 30
    assert asked - served_names(watched.endpoint) == set()


def test_every_metric_that_is_served_is_on_the_dashboard(watched):
    shown = set()
    for queries in dashboard_queries().values():
        for query in queries:
            shown |= {re.sub("_(bucket|sum|count)$", "", name) for name in metric_names(query)}
    served = set(re.findall(r"^# TYPE (\w+) ", watched.endpoint.text(), flags=re.M))
    assert served - shown == set()


@pytest.fixture
def scraped(veth, make_daemon, tmp_path):
    """(daemon, a Prometheus that scrapes it)"""
    address = f"127.0.0.1:{free_port()}"
    daemon = make_daemon("--metrics", address).start()
    daemon.endpoint = Endpoint(address)
    prometheus = Prometheus(tmp_path, [address])
    try:
        yield daemon, prometheus.start()
    finally:
        prometheus.stop()


def test_prometheus_scrapes_it_and_every_panel_has_something_to_show(scraped, namespace):
    daemon, prometheus = scraped
    eventually(lambda: prometheus.query('up{job="neightrack"} == 1'), 20, "it is scraped")
    stop = threading.Event()

    def churn():
        mac = 0
        while not stop.wait(0.2):
            mac = (mac + 1) % 200
            namespace.batch(burst(50, mac=mac))
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for title, queries in dashboard_queries().items():
            if title == "BPF: time a run":
                continue                # is measured when kernel.bpf_stats_enabled is 1
            for query in queries:
                eventually(lambda: prometheus.query(query), 30, f"{title}: {query}")
        eventually(lambda: prometheus.query("instance:neightrack_writes:rate5m > 0"), 30,
                   "the rules record")
    finally:
        stop.set()
        thread.join()
    groups = prometheus.ask("/api/v1/rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    assert daemon.endpoint.request("/healthz")[0] == 200


def test_prometheus_tells_when_redis_is_away(scraped, redis_server):
    _, prometheus = scraped
    eventually(lambda: prometheus.query("neightrack_ready == 1"), 20)
    redis_server.stop()
    eventually(lambda: prometheus.query('ALERTS{alertname="NeightrackRedisAway"}'), 20,
               "the alert is pending")

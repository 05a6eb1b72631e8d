# SPDX-License-Identifier: GPL-2.0-or-later
"""A real Prometheus of the test's own, and promtool."""
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from .daemon import ROOT
from .redis_server import free_port
from .waiting import TIME_SCALE, eventually

RULES = os.path.join(ROOT, "docs", "prometheus", "neightrack.rules.yml")
RULE_TESTS = os.path.join(ROOT, "tests", "prometheus", "neightrack_test.yml")
DASHBOARD = os.path.join(ROOT, "docs", "grafana", "neightrack.json")


def promtool(*words):
    """(exit code, what it says)"""
    done = subprocess.run(["promtool", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=60 * TIME_SCALE)
    return done.returncode, done.stdout


def dashboard_queries():
    """{panel's title: [queries]}, with Grafana's variables as Grafana would fill them in."""
    queries = {}
    with open(DASHBOARD, encoding="utf-8") as file:
        for panel in json.load(file)["panels"]:
            for target in panel.get("targets", ()):
                text = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "10s")
                queries.setdefault(panel["title"], []).append(text)
    return queries


def metric_names(text):
    """Those of ours in a query, but not what the rules record (it has a colon)."""
    return set(re.findall(r"(?<![\w:])((?:neightrack|process)_\w+)(?![\w:])", text))


class Prometheus:
    def __init__(self, folder, targets):
        self.folder = folder
        self.port = free_port()
        self.process = None
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({                  # which is YAML
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "neightrack",
                                "static_configs": [{"targets": list(targets)}]}],
            "rule_files": [RULES]}))
        self.words = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                      f"--web.listen-address=127.0.0.1:{self.port}"]

    def start(self):
        with open(self.folder / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        eventually(self._answers, 30, "prometheus answers")
        return self

    def _answers(self):
        try:
            self.ask("/api/v1/rules")
            return True
        except (AssertionError, OSError, ValueError):
            return False

    def ask(self, path, **words):
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(url, timeout=10 * TIME_SCALE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{words}: {error.read().decode()}") from error

    def query(self, text):
        """[(labels, value)]"""
        return [(series["metric"], float(series["value"][1]))
                for series in self.ask("/api/v1/query", query=text)["result"]]

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

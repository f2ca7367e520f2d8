"""Looks whether what Grafana's dashboard and the alerts ask for is what the daemon tells.

    dashboards.py METRICS RULES DASHBOARD ALERTS

METRICS is what /metrics answered. Writes RULES, a file of Prometheus's rules with each question of the dashboard, for
promtool to look at their grammar. Needs nothing but Python's standard library.
"""
import json
import re
import sys

metrics, rules, dashboard, alerts = sys.argv[1:]
known = set(re.findall(r"^([a-z_]+)[{ ]", open(metrics).read(), re.MULTILINE))
board = json.load(open(dashboard))
questions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
assert len(questions) > 20 and len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
asked = set()
for text in questions + [open(alerts).read()]:
    asked |= set(re.findall(r"\b((?:freshet|process)_[a-z_]+)", text))
# Told only once a model has rows to drop, or nowhere while all is well.
unknown = sorted(asked - known)
assert not unknown, f"nobody tells {', '.join(unknown)}"
with open(rules, "w") as file:
    file.write("groups:\n  - name: dashboard\n    rules:\n")
    for place, question in enumerate(questions):
        question = question.replace("$instance", "a")
        file.write(f"      - {{record: 'dashboard:question:{place}', expr: {json.dumps(question)}}}\n")
print(f"fine: {len(questions)} questions and the alerts ask for {len(asked)} metrics, all told")

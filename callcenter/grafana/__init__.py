"""Grafana's dashboards as code: five of them, each in Chinese and English, written as the JSON that Grafana reads.

Theory of operation: a module here defines one dashboard as plain data (`shape`): rows of panels, each with title, description,
unit and queries, every text in both languages. `draw` makes the JSON of it with Grafana's own typed builders, once a language;
`python -m callcenter.grafana` (`make dashboards`) writes `config/grafana/dashboards/<language>/`. The committed files are what
the code makes, and every query is asked of a real Prometheus: tests hold both.

Queries use series of `metrics/series.py` alone, and of `shape.LIBRARY`: what the client library tells of its own process.
Only development needs the builders; nothing of the service imports this package.
"""

"""The figures of a report as data, one file for each kind: results -> `hpstudy.report.charts.model.Chart`."""

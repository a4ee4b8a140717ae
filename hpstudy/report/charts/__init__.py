"""The figures of a report as data. Each module converts results to a `hpstudy.report.charts.model.Chart`."""

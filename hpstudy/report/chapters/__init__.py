"""The chapters of a report. Each converts results to sections and names the CSV files of its figures."""

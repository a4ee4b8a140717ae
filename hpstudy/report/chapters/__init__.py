"""The chapters of a report: each turns results into sections, and says which CSV files stand behind its figures."""

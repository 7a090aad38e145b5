"""The chapters of the report, each from the rows of the study to blocks of text and tables."""

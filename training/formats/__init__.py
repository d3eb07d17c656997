"""File formats of comments: JSON Lines, CSV and Parquet, read row by row and written back with all their fields.

Owns bytes and rows. Leaves what a row means (a comment, a label) to ``training.labelled`` and ``training.batch``.
Reading order: row, json_lines, csv_table, parquet_table, files.
"""

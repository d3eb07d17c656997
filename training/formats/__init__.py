"""File formats of comments, read row by row: JSON Lines, CSV and Parquet, written back with all their fields, and the
XML exports of WordPress and Disqus.

Owns bytes and rows. Leaves what a row means (a comment, a label) to ``training.labelled`` and ``training.batch``.
Reading order: row, json_lines, csv_table, parquet_table, wordpress, disqus, xml_export, files.
"""

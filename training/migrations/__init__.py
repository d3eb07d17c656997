"""How the database's schema came to be, one file a step; Alembic runs what a database lacks when it is opened."""

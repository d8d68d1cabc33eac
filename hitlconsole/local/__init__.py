"""The console on one machine: its virtual environment, Postgres, Valkey and process supervision.

What runs here has nothing but the standard library (database.py excepted, which is run inside the
virtual environment), because it is what builds the virtual environment.
"""

"""The level decision: values in, values out. No Django, database, clock or network."""

"""The people of the demonstration, by address. Pure."""

ANA, JONAS, MEI = "ana@example.com", "jonas@example.com", "mei@example.com"
SAMUEL, INES, PRIYA = "samuel@example.com", "ines@example.com", "priya@example.com"

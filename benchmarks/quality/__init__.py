"""How right filters are about comments of sites they have not seen."""

"""Other people's platforms on which the kit grades."""

"""How grades.csv names those of a roster who handed in nothing."""

NO_SUBMISSION = "no submission"  # their verdict

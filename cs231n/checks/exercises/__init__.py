"""One file for each exercise: how its cases are judged, and the evidence that a message shows."""

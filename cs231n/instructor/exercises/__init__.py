"""What an instructor knows of the exercises: the known mistakes, how hidden cases are drawn, the proof on SqueezeNet."""

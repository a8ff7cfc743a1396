"""Network Visualization: saliency maps, fooling images and class visualization on a pretrained SqueezeNet."""

"""Training of the mask decoder: pairs of pictures, what may be known of them, and the loop."""

"""Training of the mask decoder: made-up and annotated scenes, what may be known of them, and the loop."""

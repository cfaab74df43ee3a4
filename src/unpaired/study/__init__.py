"""Human studies: what people say about translated images, and how far it can be trusted."""

"""The only wiring: reads the settings once and builds every object from them."""

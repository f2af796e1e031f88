"""Integration of limits: generated steppers, and the curves that they return."""

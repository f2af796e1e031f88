"""Closed forms: conservation laws, secular equations, fixed points, asymptotics, and the formulas they end in."""

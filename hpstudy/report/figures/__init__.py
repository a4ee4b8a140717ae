"""Figures that are drawn with matplotlib directly. Call their functions within `style.applied()`."""

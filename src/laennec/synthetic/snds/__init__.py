"""Synthetic SNDS: coherent made-up claims and stays in the real file layouts, with the truth."""

from laennec.synthetic.snds.order import Format, Order, span
from laennec.synthetic.snds.service import TRUTH, Made, make

__all__ = ["TRUTH", "Format", "Made", "Order", "make", "span"]

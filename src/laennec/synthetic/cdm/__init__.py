"""Synthetic CDM: made-up rows of OMOP tables over the concepts of a given vocabulary."""

from laennec.synthetic.cdm.order import Order
from laennec.synthetic.cdm.service import Made, make

__all__ = ["Made", "Order", "make"]

"""A study's released results as one HTML page, for researchers, output checkers and the public.

The page is self-contained and passive: no script, no external font, image, style or link. It shows
what a ``SummarisedResult`` holds after disclosure control, each published figure once, and invents
none. It does not decide what may be published: that is ``disclosure``.
"""

from laennec.report.model import Fact, Part, Step, StudyReport
from laennec.report.page import render
from laennec.report.words import LANGUAGES

__all__ = ["LANGUAGES", "Fact", "Part", "Step", "StudyReport", "render"]

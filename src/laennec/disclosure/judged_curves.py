"""Which points of curves may be published, as what, and what their summaries may tell. Pure."""

from laennec.disclosure.algebra import Key
from laennec.disclosure.cells import Cells
from laennec.disclosure.curve_families import CurveFamily
from laennec.disclosure.curve_summaries import read_summary
from laennec.disclosure.curves import CurveVerdict, hidden_whole, judge
from laennec.disclosure.joint_curves import judge_together
from laennec.disclosure.kinds import HIDDEN, NO_NUMBER, Entry, Role
from laennec.disclosure.profiles import Profile
from laennec.disclosure.rules import Rule
from laennec.disclosure.survival import Analysis


class JudgedCurves:
    """The verdicts on all curves of a result.

    Attributes:
        rules: Why a row is hidden.
        dropped: Rows behind the end of what is shown.
        grids: To which step the estimates of a row's curve are rounded, where they are.
    """

    def __init__(self, cells: Cells, profile: Profile) -> None:
        self._why, self._profile = cells.why, profile
        self.rules: dict[int, Rule] = {}
        self.dropped: set[int] = set()
        self.grids: dict[int, float] = {}
        self._rewritten: dict[int, int] = {}
        self._verdicts: dict[Key, CurveVerdict] = {}
        self._read: dict[int, str] = {}
        for family in cells.families:
            self._judge_family(family)
        for one in cells.survival:
            if one.curve:
                self._read_summary(one)

    def text(self, entry: Entry) -> str:
        """Return an estimate as published, if it is published; of other kinds, as it is."""
        if entry.index in self._read:
            return self._read[entry.index]
        if entry.index in self._rewritten:
            return str(self._rewritten[entry.index])
        text = entry.row.estimate_value
        if entry.role is not Role.CURVE or text in {HIDDEN, *NO_NUMBER}:
            return text
        grid = self.grids.get(entry.index, 10.0**-self._profile.curve_decimals)
        return f"{round(float(text) / grid) * grid:.{self._profile.curve_decimals}f}"

    def _judge_family(self, family: CurveFamily) -> None:
        hidden = frozenset(key for key in family.curves if key in self._why)
        for key in hidden:
            curve = family.curves[key]
            self._take(key, curve, hidden_whole(curve))
            self.rules |= {one.index: Rule.DERIVED for one in curve}
        if len(family.curves) > 1:
            verdicts = judge_together(family.curves, family.sums(), hidden, self._profile)
            for key in family.curves.keys() - hidden:
                self._take(key, family.curves[key], verdicts[key])
        elif not hidden:
            for key, curve in family.curves.items():
                self._take(key, curve, judge(curve, self._profile))

    def _read_summary(self, one: Analysis) -> None:
        """Publish of a summary what the published points of its curve tell."""
        shown = {
            row.index: self.text(row)
            for row in one.curve
            if row.index not in self.rules and row.row.estimate_value != HIDDEN
        }
        read = read_summary(one, self._verdicts[one.cell], shown)
        hidden = {index for index, text in read.items() if text == HIDDEN}
        why = Rule.DERIVED if one.cell in self._why else Rule.CURVE
        self.rules |= dict.fromkeys(hidden, why)
        self._read |= {index: text for index, text in read.items() if index not in hidden}

    def _take(self, key: Key, curve: list[Entry], verdict: CurveVerdict) -> None:
        self._verdicts[key] = verdict
        self.dropped |= verdict.dropped
        self.rules |= dict.fromkeys(verdict.hidden, Rule.CURVE)
        self._rewritten |= verdict.rewritten
        if verdict.grid is not None:
            self.grids |= {one.index: verdict.grid for one in curve}

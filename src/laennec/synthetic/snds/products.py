"""The drug reference IR_PHA_R, of the products that the base dispenses."""

from laennec.synthetic.snds import frequencies
from laennec.synthetic.snds.layout import Cells
from laennec.synthetic.snds.writer import Files, Target


def write_products(files: Files) -> None:
    """Write IR_PHA_R: one row per product, with its ATC class and units per box."""
    rows = frequencies.table("products").unique("PHA_CIP_C13", keep="first", maintain_order=True)
    cells: Cells = {
        "PHA_CIP_C13": rows["PHA_CIP_C13"],
        "PHA_PRS_IDE": rows["PHA_CIP_C13"].str.slice(5, 7),
        "PHA_ATC_C07": rows["PHA_ATC_C07"],
        "PHA_ATC_L07": rows["PHA_ATC_L07"],
        "PHA_ATC_C03": rows["PHA_ATC_C07"].str.slice(0, 3),
        "PHA_NOM_PA": rows["PHA_ATC_L07"],
        "PHA_CIP_UCD": rows["PHA_CIP_UCD"].fill_null(""),
        "PHA_UNT_NBR_DSES": rows["PHA_UNT_NBR_DSES"],
    }
    files.append(Target("IR_PHA_R", "IR_PHA_R", None), cells, rows.height)

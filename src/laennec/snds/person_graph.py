"""Connected components, by numbers: which nodes hang together over given edges.

Labels are lowered along edges and shortened by pointer jumping until nothing changes (Shiloach and
Vishkin, J. Algorithms 3, 1982): a few passes over arrays, whatever the shape of a component.

Pure.
"""

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]


def components(count: int, left: Labels, right: Labels) -> Labels:
    """Label every node by the smallest node of its component.

    Args:
        count: Nodes; they are numbered 0 to ``count - 1``.
        left: One end of each edge.
        right: The other end.

    Returns:
        ``count`` labels; a node without edges has its own number.

    Raises:
        IndexError: an edge ends at no node.
    """
    labels = np.arange(count, dtype=np.int64)
    while len(left):
        low = np.minimum(labels[left], labels[right])
        before = labels.copy()
        # Roots are lowered, not only the ends: what hangs below a root follows by the jump.
        np.minimum.at(labels, before[left], low)
        np.minimum.at(labels, before[right], low)
        while not np.array_equal(labels, shorter := labels[labels]):
            labels = shorter
        apart = labels[left] != labels[right]
        left, right = left[apart], right[apart]
    return labels

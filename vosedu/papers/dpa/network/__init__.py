"""DPA: dual prototype attention for unsupervised video object segmentation.

Read it beside the method section of the paper (Cho et al., CVPR 2024): `prototypes`, `ima`, `ifa`,
`decoder`, and `model`, which puts them together. Written f1 to f5 for the maps of VGG-16's five
blocks, x4 and x5 for blocks 4 and 5 squeezed to C channels, g4 and g5 for what the attentions make
of f4 and f5. C is the number of prototypes as well.

Tensors worth seeing, by the names `vosedu.record.record` gives them; S stands for `appearance` or
`motion`, B for `ima4` or `ima5`:

| tap | symbol | shape |
|---|---|---|
| `B.S.regions` | S, soft regions, each sums to 1 | B x C x h x w |
| `B.S.prototypes` | P1 | B x C x C |
| `B.S.after_attention`, `.after_graph` | P1 refined (released form) | B x C x C |
| `B.S.graph1.neighbours` ... `graph3` | the graph (released form) | B x C x 10 |
| `B.S.cosine` | Psi1 | B x C x h x w |
| `B.exchange.affinity` | Phi1 (paper's form) | B x C x C |
| `B.exchange.attention_S` | softmax of Phi1, Phi1^T (paper's form) | B x C x C |
| `B.exchange.S.attention` | cross attention (released form) | B x hw x hw |
| `B.exchange.transferred_S` | T_A, T_M | B x C x h x w |
| `B.fuse_S.refined` | X'_A, X'_M: IMA's output | B x 512 x h x w |
| `f1_S` to `f4_S` | f1 to f4, of references and query in the order they are encoded | |
| `f5_S`, `squeezed4_S`, `squeezed5_S` | of the query: f5, x4, x5 (X, Y) | |
| `ifa_S.memory.keys`, `.values` | K, V, heard once per reference | B x C x C |
| `ifa_S.memory.regions`, `.prototypes` | of a reference (released form: of key, then value) | |
| `ifa_S.read.regions`, `.prototypes` | of the query: P2 before its embedding | |
| `ifa_S.read.attention` | softmax of Phi2; columns reference by reference | B x C x NC |
| `ifa_S.read.read` | R | B x C x C |
| `ifa_S.read.cosine` | Psi2 | B x C x h x w |
| `ifa_S.fuse.refined` | Y': IFA's output | B x 512 x h x w |
| `fuse5_S.fused` | both, fused | B x 512 x h x w |
| `S.neck.level6` | ASPP's output | B x C x h x w |
| `merge4.merged` to `merge6.merged` | levels of both streams, fused | B x C x h x w |
| `decoder.merge56.merged`, `decoder.merge45.merged` | | B x C x h x w |
| `decoder.features` | before the first mask | B x C/4 x h x w |
| `decoder.gate` | m4, which gates every skip | B x 1 x H/8 x W/8 |
| `decoder.head4.logits`, `decoder.refine3.head.logits` ... `refine1` | | B x 1 x . x . |
| `decoder.maps` | the four outputs, coarse to fine | B x 1 x H x W |

Without prototypes, keys and values have one token per position and neither `prototypes` nor
`cosine` is heard.
"""

from vosedu.papers.dpa.network.config import Config
from vosedu.papers.dpa.network.model import DPA, Features, Reference, StillDPA, build

__all__ = ["DPA", "Config", "Features", "Reference", "StillDPA", "build"]

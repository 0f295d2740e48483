"""DeAOT's loss: bootstrapped cross-entropy and soft Jaccard, over clips that pass through memory.

Section 6 of the reference page; both papers take it over from earlier work.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vosedu.clip import VOID
from vosedu.papers.deaot.network import DeAOT, Features, Memory, enlarge, one_hot

HARDEST = 0.15  # share of the pixels that the bootstrapped cross-entropy keeps in the end
_EPS = 1e-6


def kept_share(done: float, hardest: float = HARDEST) -> float:
    """The share of pixels kept when `done` of the steps are: 1 to `hardest` over the first half."""
    return 1 - (1 - hardest) * min(done / 0.5, 1.0)


def bootstrapped_cross_entropy(logits: Tensor, ids: Tensor, share: float) -> Tensor:
    """Mean cross-entropy of the hardest pixels.

    logits: classes x H x W, ids: H x W. Kept are int(share H W) pixels with the largest loss; void
    pixels have loss 0 and count like others, as released.
    """
    pixels = F.cross_entropy(
        logits.float().unsqueeze(0), ids.unsqueeze(0), ignore_index=VOID, reduction="none"
    ).flatten()
    return pixels.topk(max(int(share * len(pixels)), 1)).values.mean()


def soft_jaccard(logits: Tensor, ids: Tensor) -> Tensor:
    """1 - I / U of soft masks, mean over the classes in `ids`, background among them.

    logits: classes x H x W, ids: H x W. I = sum p g and U = I + sum p (1 - g) + sum (1 - p) g;
    void pixels take no part.
    """
    known = (ids != VOID).flatten()
    p = logits.float().softmax(0).flatten(1)[:, known]  # classes pixels
    g = (torch.arange(len(p), device=ids.device)[:, None] == ids.flatten()[known]).float()
    overlap = (p * g).sum(1)
    union = overlap + (p * (1 - g)).sum(1) + ((1 - p) * g).sum(1)
    present = g.sum(1) > 0
    return (1 - overlap / (union + _EPS))[present].mean()


def frame_losses(logits: Tensor, ids: Tensor, objects: Tensor, share: float) -> Tensor:
    """Half of each loss per sample, B: over background and the sample's own objects only.

    logits: B x (1 + M) x H x W, ids: B x H x W, objects: B.
    """
    losses = []
    for each, mask, count in zip(logits, ids, objects.tolist()):
        used = each[: count + 1]
        hard = bootstrapped_cross_entropy(used, mask, share)
        losses.append(0.5 * hard + 0.5 * soft_jaccard(used, mask))
    return torch.stack(losses)


class ClipLosses(NamedTuple):
    """per_frame: T x B losses. total: the auxiliary weight times frame 0's mean + the others'."""

    per_frame: Tensor
    auxiliary: Tensor
    main: Tensor


def clip_losses(
    model: DeAOT,
    frames: Tensor,
    ids: Tensor,
    objects: Tensor,
    *,
    share: float,
    auxiliary: float,
    predicted: bool,
    order: Tensor | None = None,
) -> ClipLosses:
    """A clip through the network with memory, gradients through all of it.

    frames: B x T x 3 x H x W, normalised; ids: B x T x H x W, objects numbered from 1; objects: B.
    share: of the pixels kept (`kept_share`). auxiliary: weight of frame 0, which reconstructs its
    own mask. predicted: memory holds the network's own masks instead of the true ones; the
    identity bank is then not trained. order: B x (1 + M), the identity of each object; None: the
    n-th object has the n-th.
    """
    size, length = frames.shape[-2:], frames.shape[1]
    encoded = model.encode(frames.flatten(0, 1))  # BT 3 H W -> features of BT
    gap, last = model.config.train_gap, 0
    long: list[Memory] = []
    short: list[Memory] = []
    losses = []

    def identity(mask: Tensor) -> Tensor:
        found = model.identify(dealt(one_hot(mask, model.config.objects), order))
        return found.detach() if predicted else found

    for t in range(length):
        features = Features(
            tuple(x.unflatten(0, (-1, length))[:, t] for x in encoded.maps),
            encoded.x.unflatten(0, (-1, length))[:, t],
        )
        given = identity(ids[:, 0]) if t == 0 else None
        passed = model.propagate(features, long, short, given)
        logits = model.decoder(passed.read, passed.features.maps)
        logits = enlarge(collected(logits, order), size, model.align)
        losses.append(frame_losses(logits, ids[:, t], objects, share))
        if t == length - 1:
            break
        if t == 0:
            long = short = model.remember(passed.entries, given)
            continue
        mask = own_masks(logits, objects) if predicted else ids[:, t]
        short = model.remember(passed.entries, identity(mask))
        if gap is not None and t - last >= gap:
            last = t
            long = [
                Memory(*(torch.cat(pair, dim=1) for pair in zip(new, old)))
                for new, old in zip(short, long)
            ]
    per_frame = torch.stack(losses)
    return ClipLosses(per_frame, auxiliary * per_frame[0].mean(), per_frame[1:].mean())


def own_masks(logits: Tensor, objects: Tensor) -> Tensor:
    """The likeliest of each sample's objects, B x H x W."""
    number = torch.arange(logits.shape[1], device=logits.device).view(1, -1, 1, 1)
    return logits.masked_fill(number > objects.view(-1, 1, 1, 1), float("-inf")).argmax(1)


def dealt(mask: Tensor, order: Tensor | None) -> Tensor:
    """A one-hot mask, B x (1 + M) x H x W, whose k-th object moves to identity order[k]."""
    if order is None:
        return mask
    return collected(mask, order.argsort(1))


def collected(logits: Tensor, order: Tensor | None) -> Tensor:
    """Logits of identities -> of objects, B x (1 + M) x H x W: the k-th is identity order[k]'s."""
    if order is None:
        return logits
    return logits.gather(1, order.view(*order.shape, 1, 1).expand_as(logits))

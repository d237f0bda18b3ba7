"""A policy within a budget: the probability that a sample fits, samples that fit, and the most probable ones that fit.

Edges are independent but for the sum of their costs, so a dynamic programme over edges and what is left of the budget
is exact. What is left is counted in bins. Where costs have a common divisor that divides every budget into few enough,
bins are exact; otherwise costs are rounded up where something is drawn, so that it truly fits, and down
where the most probable are sought, which bounds the search, whose costs are true.

All tensors are padded: N problems of E edges each (see `padded`). A problem is an architecture and a budget.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# In place of −inf, which has no gradient; far below any log-probability, and sums of it stay finite.
_IMPOSSIBLE = -1e9
_HARDLY_POSSIBLE = _IMPOSSIBLE / 2
_BINS = 256
_ROUNDING = 1e-9
# The beam's width beyond what is asked for, its largest width, and the factor by which it widens.
_BEAM_SPARE, _BEAM_AT_MOST, _WIDER = 4, 4096, 4
# Problems that are worked on at once; more would only leave the processor's cache.
_AT_ONCE = 256

Choices = tuple[NDArray[np.int64], NDArray[np.float64]]


def padded(values: Tensor, edge_batch: Tensor, count: int, fill: float) -> Tensor:
    """Pad values of `count` architectures: [total edges, operations] → [count, most edges, operations].

    An edge that is not there has 0 for the first operation and `fill` for the others.
    """
    sizes = torch.bincount(edge_batch, minlength=count)
    most = int(sizes.max())
    if len(values) == count * most:
        return values.view(count, most, -1)
    dense = values.new_full((count, most, values.shape[1]), fill)
    dense[..., 0] = 0
    dense[edge_batch, _within(edge_batch, sizes)] = values
    return dense


def flat(operations: Tensor, edge_batch: Tensor) -> Tensor:
    """The inverse of `padded` for choices: [samples, count, most edges] → [samples, total edges]."""
    sizes = torch.bincount(edge_batch, minlength=operations.shape[1])
    return operations[:, edge_batch, _within(edge_batch, sizes)]


def _within(edge_batch: Tensor, sizes: Tensor) -> Tensor:
    return torch.arange(len(edge_batch), device=edge_batch.device) - (sizes.cumsum(0) - sizes)[edge_batch]


@dataclass(frozen=True)
class _Spare:
    """Costs above the cheapest legal choice, of the operations that any problem allows.

    Attributes:
        columns: the operations' rows in the table of operations, [O].
        scores: log-probabilities, [N, E, O]; `_IMPOSSIBLE` instead of −inf.
        costs: costs above the edge's cheapest operation, [N, E, O]; infinite for impossible ones.
        left: what the cheapest choice leaves of the budget, [N]; negative if not even that choice fits.
        unit: a common divisor of all costs that divides every budget into few enough bins; None without one.
    """

    columns: Tensor
    scores: Tensor
    costs: Tensor
    left: Tensor
    unit: float | None

    @classmethod
    def of(cls, log_probabilities: Tensor, costs: Tensor, limits: Tensor, bins: int) -> "_Spare":
        possible = ~torch.isneginf(log_probabilities.detach()) & torch.isfinite(costs)
        columns = possible.flatten(0, 1).any(dim=0).nonzero()[:, 0]
        possible, costs = possible[..., columns], costs[..., columns].double()
        scores = log_probabilities[..., columns].masked_fill(~possible, _IMPOSSIBLE)
        cheapest = costs.masked_fill(~possible, torch.inf).amin(dim=-1, keepdim=True)
        above = (costs - cheapest).masked_fill(~possible, 0)
        dearest = above.amax(dim=-1).sum(dim=-1)
        left = limits.double() - cheapest.sum(dim=(1, 2))
        unlimited = left >= dearest  # where everything fits, nothing costs
        above, left = above.masked_fill(unlimited[:, None, None], 0), left.masked_fill(unlimited, 0)
        unit = _common_divisor(above, left, bins)
        return cls(columns, scores, above.masked_fill(~possible, torch.inf), left, unit)

    def bins(self, count: int, up: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Return costs [N, E, O] and what is left [N] in whole bins (−1 if nothing fits), and the size of a bin [N]."""
        unit = self.left.clamp(min=0) / count if self.unit is None else torch.full_like(self.left, self.unit)
        unit = unit.clamp(min=1e-300)
        ratio = (self.costs / unit[:, None, None]).clamp(max=1e9)
        costs = (ratio - _ROUNDING).ceil() if up else (ratio + _ROUNDING).floor()
        left = (self.left / unit + _ROUNDING).floor().clamp(min=-1, max=1e9)
        return costs.long(), torch.where(self.left < 0, -1, left.long()), unit


def _common_divisor(costs: Tensor, left: Tensor, bins: int) -> float | None:
    whole = costs.long()
    if not torch.equal(whole.double(), costs):
        return None
    divisor = int(np.gcd.reduce(whole.cpu().numpy(), axis=None))
    return None if divisor and float(left.max()) / divisor > bins else float(max(divisor, 1))


def _steps(ahead: Tensor, costs: Tensor) -> Tensor:
    """Return `ahead` [N, 1 + bins] after paying `costs` [N, O], [N, O, bins]; entry 0 is for unaffordable ones."""
    bins = ahead.shape[1] - 1
    places = torch.arange(1, bins + 1, device=ahead.device) - costs[:, :, None]
    return ahead.gather(1, places.clamp(min=0).flatten(1)).view(len(ahead), -1, bins)


def _begin(scores: Tensor, bins: int, fill: float) -> Tensor:
    ahead = scores.new_zeros(len(scores), bins + 1)
    ahead[:, 0] = fill
    return ahead


class FittingDistribution:
    """A policy's distribution, given that the choice fits its budget; differentiable.

    Args:
        log_probabilities: log-probabilities, [N, E, operations]; −inf marks impossible operations.
        costs: cost of each operation on each edge, [N, E, operations]; an infinite one never fits.
        limits: maximum total costs of the edges, [N].
        bins: number of bins for budgets of costs without a common divisor.

    Attributes:
        log_fits: log-probability that a draw of the unlimited distribution fits, [N]; −inf if nothing fits.
    """

    def __init__(self, log_probabilities: Tensor, costs: Tensor, limits: Tensor, bins: int = _BINS) -> None:
        self._spare = spare = _Spare.of(log_probabilities, costs, limits, bins)
        self._costs, self._left, _ = spare.bins(bins, up=True)
        size = max(int(self._left.max()), 0) + 1
        self._ahead = [_begin(spare.scores, size, _IMPOSSIBLE)]
        for edge in reversed(range(spare.scores.shape[1])):
            options = _steps(self._ahead[0], self._costs[:, edge]) + spare.scores[:, edge, :, None]
            total = torch.logsumexp(options, dim=1).clamp(min=_IMPOSSIBLE)
            self._ahead.insert(0, torch.cat([total.new_full((len(total), 1), _IMPOSSIBLE), total], dim=1))
        log_fits = self._ahead[0].gather(1, (self._left + 1)[:, None])[:, 0]
        self.log_fits = log_fits.masked_fill(log_fits < _HARDLY_POSSIBLE, -torch.inf)

    @torch.no_grad()
    def sample(self, samples: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw independent choices that fit, shape [samples, N, E]. A generator on the CPU serves every device.

        Raises:
            ValueError: nothing fits one of the budgets.
        """
        if bool(torch.isneginf(self.log_fits).any()):
            raise ValueError(f"nothing fits the budget of problem {int(torch.isneginf(self.log_fits).nonzero()[0])}")
        count, edges, device = *self._spare.scores.shape[:2], self._left.device
        source = generator.device if generator is not None else device
        uniform = torch.rand((edges, count, samples), generator=generator, dtype=torch.float64, device=source)
        uniform = uniform.to(device)
        place, drawn = (self._left + 1)[:, None].expand(count, samples), []
        numbers = torch.arange(len(self._spare.columns), device=device)[:, None]
        for edge in range(edges):
            places = (place[:, None, :] - self._costs[:, edge, :, None]).clamp(min=0)  # [N, O, samples]
            ahead = self._ahead[edge + 1].gather(1, places.flatten(1)).view_as(places)
            options = (ahead + self._spare.scores[:, edge, :, None]).double()
            cumulative = torch.softmax(options, dim=1).cumsum(dim=1)
            column = (cumulative <= uniform[edge][:, None, :] * cumulative[:, -1:]).sum(dim=1)
            possible = numbers.where(options > _HARDLY_POSSIBLE, -1)
            column = torch.minimum(column, possible.amax(dim=1))
            place = places.gather(1, column[:, None])[:, 0]
            drawn.append(self._spare.columns[column].T)
        return torch.stack(drawn, dim=-1)


@torch.no_grad()
def most_probable_fitting(
    log_probabilities: Tensor, costs: Tensor, limits: Tensor, count: int, bins: int = _BINS // 2
) -> tuple[Tensor, Tensor]:
    """The `count` most probable distinct choices within each budget, best first.

    Partial choices are extended edge by edge and ranked by the best that could still become of them. That is exact,
    and known to be so, where nothing dropped could have beaten the last one kept. Otherwise more partial choices
    compete, up to 4,096, which none but nearly uniform distributions under budgets in hundreds of bins exceed.

    Args:
        log_probabilities, costs, limits: as for `FittingDistribution`.
        bins: number of bins for budgets of costs without a common divisor.

    Returns:
        The operations [N, count, E] and their unlimited log-probabilities [N, count]; −inf where fewer fit.
    """
    parts = [item.split(_AT_ONCE) for item in (log_probabilities.double(), costs, limits)]
    found = [_sought(scores, table, limit, count, bins) for scores, table, limit in zip(*parts, strict=True)]
    return torch.cat([operations for operations, _ in found]), torch.cat([scores for _, scores in found])


def _sought(
    log_probabilities: Tensor, costs: Tensor, limits: Tensor, count: int, bins: int, widening: int = 1
) -> tuple[Tensor, Tensor]:
    spare = _Spare.of(log_probabilities, costs, limits, bins * widening)
    beam = widening * (count if spare.unit is not None else count + _BEAM_SPARE)
    operations, scores, is_exact = _beam_search(spare, beam, count, bins * widening)
    unsure = (~is_exact).nonzero()[:, 0]
    if len(unsure) and beam < _BEAM_AT_MOST:
        operations[unsure], scores[unsure] = _sought(
            log_probabilities[unsure], costs[unsure], limits[unsure], count, bins, _WIDER * widening
        )
    return operations, scores


def _beam_search(spare: _Spare, beam: int, count: int, bins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Operations [N, count, E], their log-probabilities [N, count], and [N] whether nothing better was dropped."""
    problems, edges, options = spare.scores.shape
    costs, left, unit = spare.bins(bins, up=False)
    scores = spare.scores.masked_fill(spare.scores <= _IMPOSSIBLE, -torch.inf)
    bounds = _best_ahead(scores, costs, int(left.max()))
    total = scores.new_zeros(problems, 1)
    rest = spare.left[:, None]
    chosen = torch.zeros(problems, 1, 0, dtype=torch.long, device=scores.device)
    dropped = total.new_full((problems,), -torch.inf)
    for edge in range(edges):
        totals = (total[:, :, None] + scores[:, edge, None, :]).flatten(1)
        rests = (rest[:, :, None] - spare.costs[:, edge, None, :]).flatten(1)
        # Half a bin's rounding: sums of fractions miss by less, and whole numbers do not miss.
        fits = rests >= -_ROUNDING * (1 + unit[:, None])
        places = (rests / unit[:, None] + _ROUNDING).floor().clamp(min=0, max=bounds[0].shape[1] - 2).long() + 1
        bound = (totals + bounds[edge + 1].gather(1, places)).masked_fill(~fits, -torch.inf)
        best, kept = bound.topk(min(beam + 1, bound.shape[1]), dim=1)
        if kept.shape[1] > beam:
            dropped = torch.maximum(dropped, best[:, beam])
            best, kept = best[:, :beam], kept[:, :beam]
        total = totals.gather(1, kept).masked_fill(torch.isneginf(best), -torch.inf)
        rest = rests.gather(1, kept)
        prefix = chosen.gather(1, (kept // options)[..., None].expand(-1, -1, edge))
        chosen = torch.cat([prefix, (kept % options)[..., None]], dim=2)
    missing = count - chosen.shape[1]
    if missing > 0:
        chosen = torch.cat([chosen, chosen.new_zeros(problems, missing, edges)], dim=1)
        total = torch.cat([total, total.new_full((problems, missing), -torch.inf)], dim=1)
    total, order = total.sort(dim=1, descending=True, stable=True)
    chosen = chosen.gather(1, order[..., None].expand_as(chosen))[:, :count]
    total = total[:, :count]
    return spare.columns[chosen], total, dropped <= total[:, -1] + _ROUNDING


def _best_ahead(scores: Tensor, costs: Tensor, most: int) -> list[Tensor]:
    """Return for each edge [N, 1 + bins] the best log-probability of this and all later edges for each remaining
    budget; entry 0 is −inf.
    """
    ahead = [_begin(scores, max(most, 0) + 1, -torch.inf)]
    for edge in reversed(range(scores.shape[1])):
        best = (_steps(ahead[0], costs[:, edge]) + scores[:, edge, :, None]).amax(dim=1)
        ahead.insert(0, torch.cat([best.new_full((len(best), 1), -torch.inf), best], dim=1))
    return ahead


def most_probable_within(
    log_probabilities: NDArray[np.floating], costs: NDArray[np.number], limit: float, count: int
) -> Choices:
    """Return the most probable distinct choices within `limit`, best first; as exact as `most_probable_fitting`.

    Args:
        log_probabilities: log-probabilities, [E, operations]; -inf marks impossible operations.
        costs: cost of each operation on each edge, [E, operations].
        limit: maximum total cost of the edges.
        count: maximum number of choices; fewer are returned if fewer fit.

    Returns:
        The operations [k, E] and their log-probabilities [k]; k is 0 only if nothing legal fits.
    """
    problem, table = (torch.tensor(item, dtype=torch.float64)[None] for item in (log_probabilities, costs))
    operations, scores = most_probable_fitting(problem, table, torch.tensor([limit], dtype=torch.float64), count)
    kept = torch.isfinite(scores[0])
    return operations[0, kept].numpy(), scores[0, kept].numpy()

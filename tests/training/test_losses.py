"""Loss terms against values worked out by hand, and gradients that point the right way."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch

from training.labels import LABELS
from training.losses import EmotionLoss, focal, soft_cross_entropy, supervised_contrastive
from training.recipe import Loss

N = len(LABELS)
ALL = torch.ones(1, N, dtype=torch.bool)


def one_hot(*classes: int) -> torch.Tensor:
    return torch.eye(N)[list(classes)]


def test_a_restricted_softmax_ignores_what_a_corpus_cannot_say() -> None:
    logits = torch.zeros(1, N)
    allowed = torch.tensor([[True, True] + [False] * (N - 2)])
    loss = soft_cross_entropy(logits, one_hot(0), allowed, smoothing=0.0)
    assert float(loss) == pytest.approx(np.log(2), rel=1e-5)
    logits[0, 7] = 50.0
    same = soft_cross_entropy(logits, one_hot(0), allowed, smoothing=0.0)
    assert float(same) == pytest.approx(np.log(2), rel=1e-5)
    logits.requires_grad_()
    soft_cross_entropy(logits, one_hot(0), allowed, smoothing=0.1).sum().backward()
    assert logits.grad is not None
    assert logits.grad[0, 2:].abs().max() == 0


def test_on_hard_targets_it_is_torchs_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, N, generator=generator)
    labels = torch.tensor([0, 3, 7, 2, 2])
    allowed = ALL.expand(5, N)
    for smoothing in (0.0, 0.1):
        ours = soft_cross_entropy(logits, one_hot(*labels.tolist()), allowed, smoothing)
        theirs = torch.nn.functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=smoothing
        )
        torch.testing.assert_close(ours, theirs)


def test_votes_are_fitted_by_their_own_distribution() -> None:
    votes = torch.tensor([[0.5, 0.0, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0]])
    fitting = votes.clamp(min=1e-6).log()
    loss = soft_cross_entropy(fitting, votes, ALL, 0.0)
    entropy = -(votes[votes > 0] * votes[votes > 0].log()).sum()
    assert float(loss) == pytest.approx(float(entropy), abs=1e-4)
    for worse in (torch.zeros(1, N), one_hot(0) * 10):
        assert float(soft_cross_entropy(worse, votes, ALL, 0.0)) > float(entropy) + 0.1


def test_focal_loss_forgets_what_is_known() -> None:
    sure, unsure = one_hot(0) * 8, torch.zeros(1, N)
    target = one_hot(0)
    plain = {id(x): float(soft_cross_entropy(x, target, ALL, 0.0)) for x in (sure, unsure)}
    p = 1 / N
    assert float(focal(unsure, target, ALL, 2.0)) == pytest.approx((1 - p) ** 2 * -np.log(p))
    assert float(focal(sure, target, ALL, 2.0)) < 0.01 * plain[id(sure)]
    assert float(focal(unsure, target, ALL, 0.0)) == pytest.approx(plain[id(unsure)], rel=1e-5)


def test_contrastive_loss_by_hand() -> None:
    # Two of a class, opposite to one of another: only the pair counts.
    embeddings = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0]])
    labels = torch.tensor([4, 4, 5])
    expected = -np.log(np.exp(1.0) / (np.exp(1.0) + np.exp(-1.0)))
    loss = supervised_contrastive(embeddings, labels, temperature=1.0)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_contrastive_loss_without_pairs_is_nothing_and_can_be_trained() -> None:
    embeddings = torch.randn(3, 4, requires_grad=True)
    loss = supervised_contrastive(embeddings, torch.tensor([0, 1, 2]), 0.1)
    loss.backward()
    assert float(loss.detach()) == 0
    assert embeddings.grad is not None
    assert float(embeddings.grad.abs().max()) == 0


def test_contrastive_loss_draws_a_class_together() -> None:
    embeddings = torch.tensor([[1.0, 0.1], [0.1, 1.0], [0.2, 1.0]], requires_grad=True)
    labels = torch.tensor([0, 0, 1])
    supervised_contrastive(embeddings, labels, 0.5).backward()
    assert embeddings.grad is not None
    moved = torch.nn.functional.normalize(embeddings.detach() - 0.1 * embeddings.grad, dim=1)
    before = torch.nn.functional.normalize(embeddings.detach(), dim=1)
    assert float(moved[0] @ moved[1]) > float(before[0] @ before[1])


def test_centre_loss_is_the_distance_to_the_class_centre() -> None:
    loss = EmotionLoss(Loss(cross_entropy=0.0, centre=2.0), 3, torch.ones(N))
    with torch.no_grad():
        loss.centres[4] = torch.tensor([1.0, 1.0, 1.0])
    embeddings = torch.tensor([[1.0, 1.0, 4.0]], requires_grad=True)
    value = loss(torch.zeros(1, N), embeddings, one_hot(4), ALL)
    assert float(value.detach()) == pytest.approx(2.0 * 9 / 3)
    value.backward()
    assert loss.centres.grad is not None
    assert float(loss.centres.grad[4, 2]) < 0  # towards the embedding
    assert float(loss.centres.grad[3].abs().max()) == 0


def test_class_weights_weigh_examples() -> None:
    weights = torch.ones(N)
    weights[1] = 3.0
    loss = EmotionLoss(Loss(label_smoothing=0.0), 2, weights)
    logits = torch.stack((torch.zeros(N), one_hot(0)[0] * 5))
    value = loss(logits, torch.zeros(2, 2), one_hot(0, 1), ALL.expand(2, N))
    each = soft_cross_entropy(logits, one_hot(0, 1), ALL.expand(2, N), 0.0)
    assert float(value) == pytest.approx(float((each[0] + 3 * each[1]) / 4), rel=1e-5)


def test_mll_is_the_sum_of_its_terms() -> None:
    generator = torch.Generator().manual_seed(1)
    logits, embeddings = (torch.randn(6, n, generator=generator) for n in (N, 4))
    targets, allowed = one_hot(0, 0, 1, 1, 2, 2), ALL.expand(6, N)
    terms = [
        Loss(label_smoothing=0.0),
        Loss(cross_entropy=0.0, focal=0.5),
        Loss(cross_entropy=0.0, centre=0.1),
        Loss(cross_entropy=0.0, contrastive=0.2),
    ]
    whole = Loss(label_smoothing=0.0, focal=0.5, centre=0.1, contrastive=0.2)

    def value(settings: Loss) -> float:
        loss = EmotionLoss(settings, 4, torch.ones(N))
        return float(loss(logits, embeddings, targets, allowed).detach())

    assert value(whole) == pytest.approx(sum(value(term) for term in terms), rel=1e-4)


def test_a_student_without_labels_learns_its_teachers_alone() -> None:
    loss = EmotionLoss(Loss(distillation=2.0), 4, torch.ones(N))
    taught = torch.full((1, N), 0.3 / (N - 1))
    taught[0, 2] = 0.7
    logits = taught.log().requires_grad_()
    nothing = torch.zeros(1, N)
    value = loss(logits, torch.zeros(1, 4), nothing, ALL, taught)
    value.backward()
    assert float(value.detach()) == pytest.approx(
        -2 * float((taught * taught.log()).sum()), rel=1e-5
    )
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6, "at its teachers' answer it stays"
    labelled = loss(logits, torch.zeros(1, 4), one_hot(5), ALL, taught)
    assert labelled > value


def test_a_batch_without_any_label_is_no_loss() -> None:
    loss = EmotionLoss(Loss(), 4, torch.ones(N))
    assert float(loss(torch.randn(1, N), torch.zeros(1, 4), torch.zeros(1, N), ALL)) == 0

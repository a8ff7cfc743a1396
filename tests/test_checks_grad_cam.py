"""What the check of compute_grad_cam_maps tells."""

import pytest
import torch
from helpers.solutions import GRAD_CAM
from torch import nn

from cs231n.checks import (
    examine,
)

pytestmark = pytest.mark.usefixtures("short_patience")


def scores_of(model, X, y):
    return model(X)[torch.arange(len(y)), y]


def test_maps_of_the_feature_maps_size_are_named_by_their_values():
    def small(maps_of):
        def compute_grad_cam_maps(X, y, model):
            features = model.features(X.requires_grad_())
            scores = model.classifier(features).flatten(1)
            gradient = torch.autograd.grad(scores[torch.arange(len(y)), y].sum(), features)[0]
            return maps_of(gradient.mean(dim=(2, 3), keepdim=True), features)

        return examine(GRAD_CAM, compute_grad_cam_maps)

    right = small(lambda weights, features: (weights * features).sum(dim=1).relu())
    assert (right.verdict, right.mistakes) == ("wrong", ["not-resized"])
    assert small(lambda weights, features: (weights * features).sum(dim=1)).mistakes == ["no-relu", "not-resized"]
    assert small(lambda weights, features: features.amax(dim=1)).mistakes == ["wrong-shape"]
    assert small(lambda weights, features: torch.zeros_like(features[:, 0])).mistakes == ["wrong-shape"]


def test_numbers_of_squeezenet_in_grad_cam_are_right_with_a_note():
    def compute_grad_cam_maps(X, y, model):
        kept = []
        hook = model.features[12].register_forward_hook(lambda module, given, features: kept.append(features))
        own = scores_of(model, X.requires_grad_(), y)
        hook.remove()
        weights = torch.autograd.grad(own.sum(), kept)[0].mean(dim=(2, 3), keepdim=True)
        maps = (weights * kept[0]).sum(dim=1, keepdim=True).relu()
        return nn.functional.interpolate(maps, (224, 224), mode="bilinear").squeeze(1)

    report = examine(GRAD_CAM, compute_grad_cam_maps)
    assert (report.verdict, report.notes) == ("right", ["fixed-sizes"])

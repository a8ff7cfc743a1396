"""Student answers to compute_grad_cam_maps(X, y, model) -> (N, H, W)."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from cs231n.validation import checked_batch, require_feature_map

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def retained_gradient(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    features = model.features(X)
    features.retain_grad()
    scores = model.classifier(features).flatten(1)
    scores.gather(1, y.view(-1, 1)).sum().backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    cam = F.relu((weights * features).sum(dim=1, keepdim=True))
    maps = F.interpolate(cam, size=X.shape[2:], mode="bilinear", align_corners=False)
    return maps.squeeze(1).detach()


@right()
def scores_flattened_by_view(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    A = model.features(X)
    scores = model.classifier(A).view(X.size(0), -1)
    s = scores[torch.arange(X.size(0)), y].sum()
    dA = torch.autograd.grad(s, A)[0]
    alpha = dA.mean(3).mean(2)
    cam = torch.einsum("nk,nkhw->nhw", alpha, A).clamp(min=0)
    cam = F.interpolate(cam[:, None], size=(X.shape[2], X.shape[3]), mode="bilinear")
    return cam[:, 0].detach()


@right()
def feature_map_detached_first(X, y, model):
    X, y = checked_batch(X, y, model)
    with torch.no_grad():
        features = model.features(X)
    features.requires_grad_()
    out = torch.flatten(model.classifier(features), 1)
    out.backward(F.one_hot(y, out.shape[1]).to(out.dtype))
    weights = features.grad.sum(dim=(2, 3)) / (features.shape[2] * features.shape[3])
    maps = torch.relu((features.detach() * weights[:, :, None, None]).sum(1))
    return F.interpolate(maps.unsqueeze(1), X.shape[-2:], mode="bilinear", align_corners=False).squeeze(1)


@right()
def forward_hook_and_backward_hook(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    kept = {}

    def forward_hook(module, inputs, output):
        kept["activations"] = output.detach()

    def backward_hook(module, grad_input, grad_output):
        kept["gradients"] = grad_output[0].detach()

    handles = [
        model.features.register_forward_hook(forward_hook),
        model.features.register_full_backward_hook(backward_hook),
    ]
    try:
        scores = torch.flatten(model.classifier(model.features(X)), 1)
        scores.gather(1, y.view(-1, 1)).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    weights = kept["gradients"].mean(dim=[2, 3], keepdim=True)
    cam = (weights * kept["activations"]).sum(1, keepdim=True)
    cam = torch.maximum(cam, torch.zeros_like(cam))
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]


@right()
def hook_while_the_whole_model_runs(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    kept = []
    handle = model.features.register_forward_hook(lambda module, inputs, output: kept.append(output))
    scores = model(X)
    handle.remove()
    (feature_map,) = kept
    (g,) = torch.autograd.grad(scores[range(len(y)), y].sum(), feature_map)
    weights = F.adaptive_avg_pool2d(g, 1)
    cam = torch.relu(torch.sum(weights * feature_map, dim=1, keepdim=True))
    return nn.Upsample(size=X.shape[2:], mode="bilinear", align_corners=False)(cam).detach()[:, 0]


@right()
def tensor_hook_for_the_gradient(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    grads = []
    features = model.features(X)
    features.register_hook(lambda g: grads.append(g))
    own = model.classifier(features).flatten(start_dim=1).gather(1, y[:, None])
    own.backward(torch.ones_like(own))
    w = grads[0].flatten(2).mean(-1)
    maps = torch.stack([F.relu(torch.tensordot(w[i], features[i], dims=1)) for i in range(len(X))])
    return F.interpolate(maps[:, None], size=tuple(X.shape[2:]), mode="bilinear", align_corners=False)[:, 0].detach()


@right()
def model_called_once_for_a_look(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    num_classes = model(X).shape[1]
    features = model.features(X)
    scores = model.classifier(features).reshape(-1, num_classes)
    (g,) = torch.autograd.grad(torch.take_along_dim(scores, y[:, None], dim=1).sum(), features)
    cam = (g.mean((2, 3), keepdim=True) * features).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False).detach().squeeze(1)


@right()
def one_image_at_a_time(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    maps = []
    for i in range(len(X)):
        features = model.features(X[i : i + 1])
        score = model.classifier(features).flatten()[y[i]]
        g = torch.autograd.grad(score, features)[0]
        cam = torch.zeros(features.shape[2:])
        for k in range(features.shape[1]):
            cam += g[0, k].mean() * features[0, k].detach()
        cam = F.interpolate(cam.clamp(min=0)[None, None], X.shape[2:], mode="bilinear", align_corners=False)
        maps.append(cam[0, 0])
    return torch.stack(maps)


@right()
def batched_matrix_product(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    N, K, h, w = features.shape
    own = model.classifier(features).flatten(1).gather(1, y.view(N, 1))
    g = torch.autograd.grad(own.sum(), features)[0]
    weights = g.reshape(N, K, h * w).mean(dim=2)
    cam = torch.bmm(weights.unsqueeze(1), features.reshape(N, K, h * w)).view(N, 1, h, w)
    cam = F.threshold(cam, 0.0, 0.0)
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False).view(N, *X.shape[2:]).detach()


@right()
def mean_of_all_places_at_the_end(X, y, model):
    # sum_k mean(g_k) A_k, the sums in another order
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    scores = model.classifier(features).flatten(1)
    (g,) = torch.autograd.grad(scores.gather(1, y[:, None]).sum(), features)
    places = torch.einsum("nkij,nkhw->nijhw", g, features)
    cam = places.mean(dim=(1, 2)).relu()
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@right()
def own_bilinear_resizing(X, y, model):
    def bilinear_matrix(small, large):
        places = ((torch.arange(large) + 0.5) * small / large - 0.5).clamp(0, small - 1)
        left = places.floor().long()
        right_ = (left + 1).clamp(max=small - 1)
        part = places - left
        matrix = torch.zeros(large, small)
        matrix[torch.arange(large), left] += 1 - part
        matrix[torch.arange(large), right_] += part
        return matrix

    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    features = model.features(X)
    own = model.classifier(features).flatten(1).gather(1, y[:, None])
    (g,) = torch.autograd.grad(own.sum(), features)
    cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1).relu()
    rows = bilinear_matrix(cam.shape[1], X.shape[2])
    columns = bilinear_matrix(cam.shape[2], X.shape[3])
    return (rows @ cam @ columns.T).detach()


@right()
def gradient_with_double_weights(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own = model.classifier(features).flatten(1)[torch.arange(len(y)), y]
    g = torch.autograd.grad(own.sum(), features)[0].double()
    cam = (g.mean(dim=(2, 3), keepdim=True) * features.double()).sum(dim=1, keepdim=True)
    cam = F.interpolate(torch.relu(cam), X.shape[2:], mode="bilinear", align_corners=False)
    return cam[:, 0].to(X.dtype).detach()


@right()
def result_still_requires_grad(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    gradient = torch.autograd.grad(own_scores.sum(), features, create_graph=True)[0]
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]


@right()
def weights_without_a_batch_dimension_kept(X, y, model):
    X, y = checked_batch(X, y, model)
    H, W = X.shape[2:]
    features = model.features(X)
    scores = model.classifier(features).flatten(1)
    F.nll_loss(scores, y, reduction="sum").backward(inputs=[features])
    weights = -features.grad.mean(dim=(2, 3))
    cam = sum(weights[:, k, None, None] * features[:, k] for k in range(features.shape[1]))
    cam = cam * (cam > 0)
    return F.interpolate(cam.unsqueeze(1), (H, W), mode="bilinear", align_corners=False).squeeze(1).detach()


@right()
def functional_gradient_of_the_classifier(X, y, model):
    X, y = checked_batch(X, y, model)

    def own_scores(features):
        return model.classifier(features).flatten(1)[torch.arange(len(y)), y].sum()

    features = model.features(X).detach()
    weights = torch.func.grad(own_scores)(features).mean(dim=(-2, -1), keepdim=True)
    cam = (weights * features).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]


@right()
def resized_by_grid_sample(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    (g,) = torch.autograd.grad(model.classifier(features).flatten(1).gather(1, y[:, None]).sum(), features)
    cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(1, keepdim=True).relu().detach()
    N = len(X)
    grid = F.affine_grid(torch.eye(2, 3).expand(N, 2, 3), (N, 1, *X.shape[2:]), align_corners=False)
    return F.grid_sample(cam, grid, padding_mode="border", align_corners=False)[:, 0]


@right()
def sums_by_numpy(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    features.retain_grad()
    model.classifier(features).flatten(1).gather(1, y.view(-1, 1)).sum().backward()
    A = features.detach().numpy()
    weights = features.grad.numpy().mean(axis=(2, 3))
    cam = np.maximum((weights[:, :, None, None] * A).sum(axis=1), 0)
    cam = torch.from_numpy(cam).unsqueeze(1)
    return F.interpolate(cam, size=X.shape[2:], mode="bilinear", align_corners=False).squeeze(1)


@right("prints")
def prints_shapes(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    print(features.shape)
    (g,) = torch.autograd.grad(model.classifier(features).flatten(1).gather(1, y[:, None]).sum(), features)
    print(g.shape)
    cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@right("returns-numpy")
def numpy_at_the_end(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    (g,) = torch.autograd.grad(model.classifier(features).flatten(1).gather(1, y[:, None]).sum(), features)
    cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach().numpy()


@right("fixed-batch-size")
def loop_over_five(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    scores = model.classifier(features).flatten(1)
    (g,) = torch.autograd.grad(sum(scores[i, y[i]] for i in range(5)), features)
    weights = g.mean(dim=(2, 3))
    cam = torch.stack([(weights[i].view(-1, 1, 1) * features[i]).sum(0) for i in range(5)]).relu()
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@right("fails-for-one-image")
def squeezed_scores(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    scores = model.classifier(features).squeeze()
    (g,) = torch.autograd.grad(scores.gather(1, y[:, None]).sum(), features)
    cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@right("fails-for-one-image")
def squeezed_maps(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    (g,) = torch.autograd.grad(model.classifier(features).flatten(1).gather(1, y[:, None]).sum(), features)
    cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False).squeeze().detach()


# ---------------------------------------------------------------- wrong: the weights


@wrong("gradient-not-averaged")
def gradient_times_activation(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("gradient-not-averaged")
def einsum_over_every_place(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    A.retain_grad()
    model.classifier(A).flatten(1)[range(len(y)), y].sum().backward()
    cam = torch.einsum("nkhw,nkhw->nhw", A.grad, A).clamp(min=0)
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear").squeeze(1).detach()


@wrong("sum-over-space")
def gradient_summed_over_the_places(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.sum(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("sum-over-space")
def flattened_and_summed(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    A.retain_grad()
    model.classifier(A).flatten(1).gather(1, y.view(-1, 1)).sum().backward()
    alpha = A.grad.flatten(2).sum(-1)
    cam = F.relu(torch.einsum("nk,nkhw->nhw", alpha, A))
    return F.interpolate(cam.unsqueeze(1), X.shape[2:], mode="bilinear", align_corners=False).squeeze(1).detach()


@wrong("weights-mix-images")
def weights_of_the_whole_batch(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    features.retain_grad()
    model.classifier(features).flatten(1).gather(1, y.view(-1, 1)).sum().backward()
    weights = features.grad.mean(dim=(0, 2, 3))
    cam = (weights[None, :, None, None] * features).sum(dim=1).relu()
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("weights-mix-images")
def pooled_as_in_a_known_tutorial(X, y, model):
    # pooled gradients of one image, taken over to a batch
    X, y = checked_batch(X, y, model)
    activations = model.features(X)
    (gradients,) = torch.autograd.grad(model.classifier(activations).flatten(1)[range(len(y)), y].sum(), activations)
    pooled = torch.mean(gradients, dim=[0, 2, 3])
    heatmap = activations.detach().clone()
    for k in range(heatmap.shape[1]):
        heatmap[:, k] *= pooled[k]
    heatmap = F.relu(heatmap.sum(dim=1, keepdim=True))
    return F.interpolate(heatmap, X.shape[2:], mode="bilinear", align_corners=False).squeeze(1)


@wrong("negative-weights-lost")
def relu_of_the_weights(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = F.relu(gradient.mean(dim=(2, 3), keepdim=True))
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("negative-weights-lost")
def relu_of_the_gradient(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.clamp(min=0).mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("negative-weights-lost")
def absolute_gradient(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    features.retain_grad()
    model.classifier(features).flatten(1).gather(1, y.view(-1, 1)).sum().backward()
    weights = features.grad.abs().mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("weights-missing")
def plain_sum_of_the_feature_map(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    maps = features.sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("weights-missing")
def weights_computed_and_forgotten(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = F.relu(torch.sum(features, 1))
    return F.interpolate(maps.unsqueeze(1), X.shape[2:], mode="bilinear", align_corners=False).squeeze(1).detach()


@wrong("weights-missing", "mean-over-feature-channels")
def mean_activation(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    maps = features.mean(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("activations-missing")
def gradient_alone(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = gradient.sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("activations-missing")
def weights_spread_over_the_map(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True).expand_as(features)
    maps = weights.sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("mean-over-feature-channels")
def mean_over_k(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).mean(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("mean-over-feature-channels")
def weighted_then_averaged(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    A.retain_grad()
    model.classifier(A).flatten(1)[range(len(y)), y].sum().backward()
    weighted = A.detach() * F.adaptive_avg_pool2d(A.grad, 1)
    heatmap = torch.mean(weighted, dim=1).clamp(min=0)
    return F.interpolate(heatmap[:, None], X.shape[2:], mode="bilinear").squeeze(1)


# ---------------------------------------------------------------- wrong: the ReLU


@wrong("no-relu")
def negative_values_left(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("no-relu")
def relu_thrown_away(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    (g,) = torch.autograd.grad(model.classifier(A).flatten(1)[torch.arange(len(y)), y].sum(), A)
    cam = torch.einsum("nk,nkhw->nhw", g.mean((2, 3)), A)
    cam.relu()
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("relu-too-early")
def relu_of_each_channels_part(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).relu().sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("relu-too-early")
def relu_inside_the_loop(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    (g,) = torch.autograd.grad(model.classifier(A).flatten(1)[torch.arange(len(y)), y].sum(), A)
    cam = 0
    for k in range(A.shape[1]):
        cam = cam + F.relu(g[:, k].mean(dim=(1, 2))[:, None, None] * A[:, k])
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("relu-after-resizing")
def relu_of_the_resized_map(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].relu().detach()


@wrong("relu-after-resizing")
def feature_map_resized_first(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    (g,) = torch.autograd.grad(model.classifier(A).flatten(1)[torch.arange(len(y)), y].sum(), A)
    large = F.interpolate(A, size=X.shape[2:], mode="bilinear", align_corners=False)
    return (g.mean((2, 3), keepdim=True) * large).sum(1).clamp(min=0).detach()


@wrong("absolute-value-in-place-of-relu")
def absolute_value_of_the_sum(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).abs()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("absolute-value-in-place-of-relu")
def root_of_the_square(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    A.retain_grad()
    model.classifier(A).flatten(1).gather(1, y.view(-1, 1)).sum().backward()
    cam = torch.einsum("nk,nkhw->nhw", A.grad.mean((2, 3)), A.detach())
    cam = torch.sqrt(cam**2)
    return F.interpolate(cam[:, None], X.shape[2:], mode="bilinear").squeeze(1)


# ---------------------------------------------------------------- wrong: the size


@wrong("not-resized")
def map_of_the_feature_maps_size(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * features).sum(dim=1).relu().detach()


@wrong("not-resized")
def interpolate_thrown_away(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    A.retain_grad()
    model.classifier(A).flatten(1)[range(len(y)), y].sum().backward()
    cam = F.relu((A.grad.mean((2, 3), keepdim=True) * A).sum(1, keepdim=True)).detach()
    F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)
    return cam[:, 0]


@wrong("other-resizing")
def default_mode_of_interpolate(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:])[:, 0].detach()


@wrong("other-resizing")
def corners_aligned(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return nn.UpsamplingBilinear2d(size=X.shape[2:])(maps)[:, 0].detach()


@wrong("other-resizing")
def bicubic(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bicubic", align_corners=False)[:, 0].detach()


@wrong("rescaled")
def divided_by_the_maximum(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    maps = F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()
    return maps / (maps.amax(dim=(1, 2), keepdim=True) + 1e-8)


@wrong("rescaled")
def made_to_run_from_0_to_1(X, y, model):
    X, y = checked_batch(X, y, model)
    A = model.features(X)
    A.retain_grad()
    model.classifier(A).flatten(1)[range(len(y)), y].sum().backward()
    cam = F.relu((A.grad.mean((2, 3), keepdim=True) * A).sum(1, keepdim=True)).detach()
    cam = F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    low, high = cam.amin(dim=(1, 2), keepdim=True), cam.amax(dim=(1, 2), keepdim=True)
    return (cam - low) / (high - low + 1e-7)


# ---------------------------------------------------------------- wrong: the score


@wrong("cross-entropy")
def cross_entropy_turned_round(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    loss = F.cross_entropy(model.classifier(features).flatten(1), y, reduction="sum")
    (gradient,) = torch.autograd.grad(-loss, features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("cross-entropy")
def gradient_of_the_loss(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    features.retain_grad()
    nn.CrossEntropyLoss(reduction="sum")(model.classifier(features).flatten(1), y).backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("softmax")
def probability_of_the_label(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    p = model.classifier(features).flatten(1).softmax(dim=1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(p.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("wrong-class-score")
def predicted_class(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    scores = model.classifier(features).flatten(1)
    (gradient,) = torch.autograd.grad(scores.max(dim=1)[0].sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("wrong-class-score")
def columns_of_all_labels(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    scores = model.classifier(features).flatten(1)[:, y]
    (gradient,) = torch.autograd.grad(scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("batch-mean")
def mean_of_the_scores(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.mean(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


# ---------------------------------------------------------------- wrong: what comes back, what is left behind


@wrong("wrong-shape")
def channel_dimension_kept(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False).detach()


@wrong("wrong-shape")
def channels_never_summed(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False).detach()


@wrong("wrong-type")
def list_of_maps(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    maps = F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()
    return list(maps)


@wrong("not-finite")
def divided_by_a_maximum_of_zero(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    maps = F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()
    lowest = maps.amin(dim=(1, 2), keepdim=True)
    return maps / (lowest - lowest)


@wrong("mode-changed")
def training_mode(X, y, model):
    X, y = checked_batch(X, y, model)
    model.train()
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("too-many-network-calls")
def waits_for_a_positive_map(X, y, model):
    X, y = checked_batch(X, y, model)
    maps = torch.full((len(X), *X.shape[2:]), -1.0)
    while maps.min() < 0:
        features = model.features(X)
        own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
        (gradient,) = torch.autograd.grad(own_scores.sum(), features)
        cam = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True)
        maps = F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()
    return maps


@wrong("too-many-network-calls")
def image_never_counted_up(X, y, model):
    X, y = checked_batch(X, y, model)
    maps = torch.zeros(len(X), *X.shape[2:])
    i = 0
    while i < len(X):
        features = model.features(X[i : i + 1])
        score = model.classifier(features).flatten()[y[i]]
        (g,) = torch.autograd.grad(score, features)
        cam = (g.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
        maps[i] = F.interpolate(cam, X.shape[2:], mode="bilinear", align_corners=False)[0, 0].detach()
    return maps


# ---------------------------------------------------------------- wrong: two mistakes


@wrong("cross-entropy", "no-relu")
def loss_without_relu(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    features.retain_grad()
    F.cross_entropy(model.classifier(features).flatten(1), y, reduction="sum").backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("gradient-not-averaged", "no-relu")
def signed_gradient_times_activation(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient * features).sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("softmax", "sum-over-space")
def probability_and_sum(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    p = F.softmax(model.classifier(features).flatten(1), dim=1)[range(len(y)), y]
    (gradient,) = torch.autograd.grad(p.sum(), features)
    weights = gradient.sum(dim=(2, 3), keepdim=True)
    maps = (weights * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("mean-over-feature-channels", "no-relu")
def signed_mean_over_k(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).mean(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


@wrong("no-relu", "other-resizing")
def signed_and_nearest(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="nearest")[:, 0].detach()


@wrong("weights-mix-images", "mean-over-feature-channels")
def known_tutorial_to_its_end(X, y, model):
    X, y = checked_batch(X, y, model)
    activations = model.features(X)
    activations.retain_grad()
    model.classifier(activations).flatten(1)[range(len(y)), y].sum().backward()
    pooled = activations.grad.mean(dim=[0, 2, 3])
    heatmap = (activations.detach() * pooled.view(1, -1, 1, 1)).mean(dim=1, keepdim=True).relu()
    return F.interpolate(heatmap, X.shape[2:], mode="bilinear", align_corners=False).squeeze(1)


@wrong("sum-over-space", "absolute-value-in-place-of-relu")
def sum_and_absolute_value(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.sum(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).abs()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0].detach()


# ---------------------------------------------------------------- unfinished


@unfinished()
def only_pass(X, y, model):
    pass


@unfinished()
def kit_stub(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    raise NotImplementedError("compute_grad_cam_maps is not implemented yet")


@unfinished()
def feature_map_and_no_further(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    scores = model.classifier(features).flatten(1)
    raise NotImplementedError("what now?")


@unfinished()
def maps_of_none(X, y, model):
    X, y = checked_batch(X, y, model)
    require_feature_map(model)
    maps = None
    return maps


# ---------------------------------------------------------------- broken


@broken()
def undefined_name(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    return (weights * features).sum(dim=1).relu()


@broken()
def gradient_of_a_tensor_that_is_no_leaf(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    model.classifier(features).flatten(1).gather(1, y.view(-1, 1)).sum().backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    return (weights * features).sum(dim=1).relu()


@broken()
def dimensions_of_the_weights_lost(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    weights = gradient.mean(dim=(2, 3))
    maps = torch.bmm(weights, features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]


@broken()
def features_of_another_pass(X, y, model):
    # the graph of model(X) does not hold this feature map
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model(X).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)[:, 0]


@broken()
def bilinear_without_channels(X, y, model):
    X, y = checked_batch(X, y, model)
    features = model.features(X)
    own_scores = model.classifier(features).flatten(1).gather(1, y[:, None])
    (gradient,) = torch.autograd.grad(own_scores.sum(), features)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear", align_corners=False)


# ---------------------------------------------------------------- sizes, layouts and scales


def _parts(X, y, model):
    features = model.features(X.clone().requires_grad_())
    scores = model.classifier(features).flatten(1)
    (gradient,) = torch.autograd.grad(scores.gather(1, y[:, None]).sum(), features)
    return gradient, features


@right("needs-contiguous-gradients")
def weights_of_a_view(X, y, model):
    gradient, features = _parts(X, y, model)
    weights = gradient.view(len(X), -1).view(*gradient.shape[:2], -1).mean(dim=2)
    maps = (weights[:, :, None, None] * features).sum(dim=1, keepdim=True).relu()
    return F.interpolate(maps, X.shape[2:], mode="bilinear").squeeze(1)


@wrong("rescaled")
def stretched_before_it_is_resized(X, y, model):
    gradient, features = _parts(X, y, model)
    maps = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    low, high = maps.amin(dim=(1, 2, 3), keepdim=True), maps.amax(dim=(1, 2, 3), keepdim=True)
    return F.interpolate((maps - low) / (high - low + 1e-8), X.shape[2:], mode="bilinear").squeeze(1)


@wrong("no-relu", "sum-over-space")
def picks_a_class_of_a_thousand(X, y, model):
    gradient, features = _parts(X, y, model)
    model(X)[:, 999]
    maps = (gradient.sum(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True)
    return F.interpolate(maps, X.shape[2:], mode="bilinear").squeeze(1)

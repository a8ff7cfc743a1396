"""Student answers to transform_images(images, angles, scales, shifts) -> a tensor of the shape of images."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from cs231n.validation import require_transformation

from . import broken, right, unfinished, wrong

# ---------------------------------------------------------------- right


@right()
def inverse_of_three_matrices(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N = len(images)
    turn, grow, move = torch.eye(3).repeat(N, 1, 1), torch.eye(3).repeat(N, 1, 1), torch.eye(3).repeat(N, 1, 1)
    turn[:, 0, 0] = turn[:, 1, 1] = torch.cos(angles)
    turn[:, 0, 1] = torch.sin(angles)
    turn[:, 1, 0] = -torch.sin(angles)
    grow[:, 0, 0] = grow[:, 1, 1] = scales
    move[:, :2, 2] = 2 * shifts
    theta = torch.linalg.inv(move @ grow @ turn)[:, :2]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def inverse_of_the_turn_only(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    c, s = scales * torch.cos(angles), scales * torch.sin(angles)
    forward = torch.stack([torch.stack([c, s], dim=1), torch.stack([-s, c], dim=1)], dim=1)
    inverse = torch.inverse(forward)
    theta = torch.cat([inverse, torch.bmm(inverse, -2 * shifts.unsqueeze(2))], dim=2)
    grid = F.affine_grid(theta, images.size(), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


@right()
def theta_filled_in_a_loop(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = torch.zeros(len(images), 2, 3)
    for i in range(len(images)):
        a, s = angles[i].item(), scales[i].item()
        x, y = 2 * shifts[i, 0].item(), 2 * shifts[i, 1].item()
        c, d = math.cos(a) / s, math.sin(a) / s
        theta[i] = torch.tensor([[c, -d, -c * x + d * y], [d, c, -d * x - c * y]])
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def every_element_by_its_formula(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = torch.cos(angles), torch.sin(angles)
    tx, ty = 2 * shifts[:, 0], 2 * shifts[:, 1]
    theta = torch.zeros(images.shape[0], 2, 3, device=images.device, dtype=images.dtype)
    theta[:, 0, 0] = cos / scales
    theta[:, 0, 1] = -sin / scales
    theta[:, 0, 2] = (-tx * cos + ty * sin) / scales
    theta[:, 1, 0] = sin / scales
    theta[:, 1, 1] = cos / scales
    theta[:, 1, 2] = (-tx * sin - ty * cos) / scales
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def own_grid(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    S = images.shape[2]
    line = (torch.arange(S) + 0.5) * 2 / S - 1
    down, across = torch.meshgrid(line, line, indexing="ij")
    x = across[None] - 2 * shifts[:, 0, None, None]
    y = down[None] - 2 * shifts[:, 1, None, None]
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    scale = scales[:, None, None]
    grid = torch.stack([(cos * x - sin * y) / scale, (sin * x + cos * y) / scale], dim=-1)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def places_in_pixels(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N, _, S, _ = images.shape
    middle = (S - 1) / 2
    rows = torch.arange(S).float().view(1, S, 1).expand(N, S, S)
    columns = torch.arange(S).float().view(1, 1, S).expand(N, S, S)
    dx = columns - middle - S * shifts[:, 0].view(N, 1, 1)
    dy = rows - middle - S * shifts[:, 1].view(N, 1, 1)
    c, s = torch.cos(angles).view(N, 1, 1), torch.sin(angles).view(N, 1, 1)
    k = scales.view(N, 1, 1)
    source_x = (c * dx - s * dy) / k + middle
    source_y = (s * dx + c * dy) / k + middle
    grid = torch.stack([source_x, source_y], dim=3)
    grid = (2 * grid + 1) / S - 1
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def own_bilinear_sampling(images, angles, scales, shifts):
    def mirrored(index, side):
        index = index % (2 * side)
        return torch.where(index < side, index, 2 * side - 1 - index)

    require_transformation(images, angles, scales, shifts)
    S = images.shape[-1]
    middle = (S - 1) / 2
    out = []
    for image, a, k, move in zip(images, angles, scales, shifts):
        rows, columns = torch.meshgrid(torch.arange(S), torch.arange(S), indexing="ij")
        dx, dy = columns - middle - S * move[0], rows - middle - S * move[1]
        x = (a.cos() * dx - a.sin() * dy) / k + middle
        y = (a.sin() * dx + a.cos() * dy) / k + middle
        left, top = x.floor().long(), y.floor().long()
        part_x, part_y = x - left, y - top
        x0, x1 = mirrored(left, S), mirrored(left + 1, S)
        y0, y1 = mirrored(top, S), mirrored(top + 1, S)
        upper = image[:, y0, x0] * (1 - part_x) + image[:, y0, x1] * part_x
        lower = image[:, y1, x0] * (1 - part_x) + image[:, y1, x1] * part_x
        out.append(upper * (1 - part_y) + lower * part_y)
    return torch.stack(out)


@right()
def three_steps_undone_in_turn(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    one, zero = torch.ones_like(angles), torch.zeros_like(angles)

    def matrix(*numbers):
        return torch.stack(numbers, dim=-1).reshape(-1, 3, 3)

    unmove = matrix(one, zero, -2 * shifts[:, 0], zero, one, -2 * shifts[:, 1], zero, zero, one)
    ungrow = matrix(1 / scales, zero, zero, zero, 1 / scales, zero, zero, zero, one)
    unturn = matrix(angles.cos(), -angles.sin(), zero, angles.sin(), angles.cos(), zero, zero, zero, one)
    theta = (unturn @ ungrow @ unmove)[:, :2, :]
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def complex_numbers(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N, _, S, _ = images.shape
    line = torch.linspace(-1 + 1 / S, 1 - 1 / S, S)
    places = torch.complex(line[None, :].repeat(S, 1), line[:, None].repeat(1, S))
    moves = torch.complex(shifts[:, 0], shifts[:, 1]).view(N, 1, 1)
    turned_back = torch.polar(1 / scales, angles).view(N, 1, 1)
    grid = torch.view_as_real((places - 2 * moves) * turned_back)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def solved_for_the_source(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() * scales, angles.sin() * scales
    forward = torch.stack([cos, sin, -sin, cos], 1).view(-1, 2, 2)
    right_side = torch.cat([torch.eye(2).expand(len(images), 2, 2), -2 * shifts[..., None]], dim=2)
    theta = torch.linalg.solve(forward, right_side)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def exponential_of_the_quarter_turn(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    back = torch.matrix_exp(angles[:, None, None] * quarter - scales.log()[:, None, None] * torch.eye(2))
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def minus_the_angle_and_transposed(images, angles, scales, shifts):
    # the inverse of a rotation is its transpose
    require_transformation(images, angles, scales, shifts)
    c, s = torch.cos(-angles), torch.sin(-angles)
    clockwise = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
    back = clockwise.transpose(1, 2) / scales.view(-1, 1, 1)
    offset = torch.einsum("nij,nj->ni", back, shifts * -2)
    theta = torch.cat([back, offset.unsqueeze(-1)], dim=-1)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def in_double_precision(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    a, s, t = angles.double(), scales.double(), 2 * shifts.double()
    cos, sin = a.cos() / s, a.sin() / s
    first = torch.stack([cos, -sin, sin * t[:, 1] - cos * t[:, 0]], dim=1)
    second = torch.stack([sin, cos, -sin * t[:, 0] - cos * t[:, 1]], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1), images.shape, align_corners=False)
    return F.grid_sample(images.double(), grid, padding_mode="reflection", align_corners=False).to(images.dtype)


@right()
def numbers_by_numpy(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = np.zeros((len(images), 2, 3))
    for n in range(len(images)):
        a, k = float(angles[n]), float(scales[n])
        forward = np.array(
            [[k * np.cos(a), k * np.sin(a), 2 * shifts[n, 0]], [-k * np.sin(a), k * np.cos(a), 2 * shifts[n, 1]], [0, 0, 1]]
        )
        theta[n] = np.linalg.inv(forward)[:2]
    grid = F.affine_grid(torch.from_numpy(theta).to(images), images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right()
def image_by_image(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    out = []
    for i in range(len(images)):
        cos, sin = torch.cos(angles[i]), torch.sin(angles[i])
        back = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])]) / scales[i]
        theta = torch.hstack([back, -(back @ (2 * shifts[i]))[:, None]]).unsqueeze(0)
        grid = F.affine_grid(theta, (1, *images.shape[1:]), align_corners=False)
        out.append(F.grid_sample(images[i : i + 1], grid, padding_mode="reflection", align_corners=False))
    return torch.cat(out, dim=0)


@right()
def shifted_places_then_turned(images, angles, scales, shifts):
    # the identity's grid, moved and turned by hand
    require_transformation(images, angles, scales, shifts)
    N = images.shape[0]
    identity = torch.eye(2, 3).unsqueeze(0).repeat(N, 1, 1)
    places = F.affine_grid(identity, images.shape, align_corners=False)
    places = places - 2 * shifts.view(N, 1, 1, 2)
    cos, sin = angles.cos(), angles.sin()
    forward = torch.stack([cos, -sin, sin, cos], dim=-1).view(N, 1, 2, 2)
    places = (forward.unsqueeze(2) @ places.unsqueeze(-1)).squeeze(-1) / scales.view(N, 1, 1, 1)
    return F.grid_sample(images, places, padding_mode="reflection", align_corners=False)


@right()
def grid_mirrored_by_hand(images, angles, scales, shifts):
    # folded at the edges; the border then serves the half pixel between edge and centre
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    grid = 1 - ((grid - 1) % 4 - 2).abs()
    grid = -grid
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@right("prints")
def prints_theta(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    print(theta[0])
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right("fixed-batch-size")
def five_in_the_view(images, angles, scales, shifts):
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(5, 2, 2)
    theta = torch.zeros(5, 2, 3)
    theta[:, :, :2] = back
    theta[:, :, 2] = -2 * (back @ shifts.view(5, 2, 1)).view(5, 2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@right("fails-for-one-image")
def squeezed_result(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False).squeeze()


# ---------------------------------------------------------------- wrong: the rotation


@wrong("degrees")
def angles_taken_as_degrees(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    radians = angles * math.pi / 180
    cos, sin = radians.cos() / scales, radians.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("degrees")
def angles_turned_into_degrees(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    degrees = torch.rad2deg(angles)
    cos, sin = degrees.cos() / scales, degrees.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("rotates-the-other-way")
def clockwise(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("rotates-the-other-way")
def the_textbooks_matrix_inverted(images, angles, scales, shifts):
    # [cos -sin; sin cos] is counterclockwise where y runs up, here it runs down
    require_transformation(images, angles, scales, shifts)
    N = len(images)
    forward = torch.zeros(N, 3, 3)
    forward[:, 0, 0] = forward[:, 1, 1] = scales * angles.cos()
    forward[:, 0, 1] = -scales * angles.sin()
    forward[:, 1, 0] = scales * angles.sin()
    forward[:, :2, 2] = 2 * shifts
    forward[:, 2, 2] = 1
    theta = torch.inverse(forward)[:, :2]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("rotation-ignored")
def only_scaled_and_shifted(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / scales
    theta[:, :, 2] = -2 * shifts / scales[:, None]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("rotation-ignored")
def eye_in_place_of_the_rotation(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    back = torch.eye(2).expand(len(images), 2, 2) / scales.view(-1, 1, 1)
    theta = torch.cat([back, -back @ (2 * shifts.unsqueeze(-1))], dim=-1)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# ---------------------------------------------------------------- wrong: the scale


@wrong("scale-inverted")
def multiplied_by_the_scale(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() * scales, angles.sin() * scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("scale-inverted")
def scaled_places(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N, _, S, _ = images.shape
    line = (torch.arange(S) * 2 + 1) / S - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    x = x - 2 * shifts[:, 0].view(N, 1, 1)
    y = y - 2 * shifts[:, 1].view(N, 1, 1)
    c, s = angles.cos().view(N, 1, 1), angles.sin().view(N, 1, 1)
    grid = torch.stack([c * x - s * y, s * x + c * y], dim=-1) * scales.view(N, 1, 1, 1)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("scale-ignored")
def only_turned_and_shifted(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos(), angles.sin()
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("scale-ignored")
def division_thrown_away(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = torch.cos(angles), torch.sin(angles)
    back = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    back.div(scales.view(-1, 1, 1))
    theta = torch.cat([back, back @ (-2 * shifts).unsqueeze(2)], 2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# ---------------------------------------------------------------- wrong: the shift


@wrong("shift-ignored")
def last_column_left_zero(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cos, -sin
    theta[:, 1, 0], theta[:, 1, 1] = sin, cos
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-ignored")
def padded_with_a_column_of_zeros(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    theta = F.pad(torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2), (0, 1))
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-wrong-way")
def minus_forgotten(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, 2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-wrong-way")
def places_moved_along_with_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N, _, S, _ = images.shape
    line = (torch.arange(S) * 2 + 1) / S - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    x = x + 2 * shifts[:, 0].view(N, 1, 1)
    y = y + 2 * shifts[:, 1].view(N, 1, 1)
    c, s = angles.cos().view(N, 1, 1), angles.sin().view(N, 1, 1)
    grid = torch.stack([c * x - s * y, s * x + c * y], dim=-1) / scales.view(N, 1, 1, 1)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-wrong-way")
def y_taken_as_running_up(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    moves = torch.stack([2 * shifts[:, 0], -2 * shifts[:, 1]], dim=1)
    theta = torch.cat([back, -back @ moves[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-half")
def factor_two_forgotten(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-half")
def matrix_with_half_the_shift_inverted(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N = len(images)
    forward = torch.eye(3).repeat(N, 1, 1)
    forward[:, 0, 0] = forward[:, 1, 1] = scales * angles.cos()
    forward[:, 0, 1] = scales * angles.sin()
    forward[:, 1, 0] = -scales * angles.sin()
    forward[:, :2, 2] = shifts
    theta = torch.linalg.inv(forward)[:, :2]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-in-pixels")
def shifts_taken_as_pixels(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    S = images.shape[-1]
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ (shifts / S)[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-in-pixels")
def pixels_in_the_pixel_grid(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N, _, S, _ = images.shape
    middle = (S - 1) / 2
    rows, columns = torch.meshgrid(torch.arange(S).float(), torch.arange(S).float(), indexing="ij")
    dx = columns - middle - shifts[:, 0].view(N, 1, 1)
    dy = rows - middle - shifts[:, 1].view(N, 1, 1)
    c, s, k = (v.view(N, 1, 1) for v in (angles.cos(), angles.sin(), scales))
    grid = torch.stack([(c * dx - s * dy) / k, (s * dx + c * dy) / k], dim=3) * 2 / S
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-axes-swapped")
def down_before_right(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts.flip(1)[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-axes-swapped")
def unpacked_as_rows_and_columns(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    dy, dx = (2 * shifts).unbind(dim=1)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    theta = torch.stack([cos, -sin, sin * dy - cos * dx, sin, cos, -sin * dx - cos * dy], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-not-turned-back")
def inverse_beside_minus_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-not-turned-back")
def shifted_before_it_is_turned(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N = len(images)
    turn, move = torch.eye(3).repeat(N, 1, 1), torch.eye(3).repeat(N, 1, 1)
    turn[:, 0, 0] = turn[:, 1, 1] = scales * angles.cos()
    turn[:, 0, 1] = scales * angles.sin()
    turn[:, 1, 0] = -scales * angles.sin()
    move[:, :2, 2] = 2 * shifts
    theta = torch.linalg.inv(turn @ move)[:, :2]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-not-turned-back")
def shift_scaled_but_not_turned(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = angles.cos()
    theta[:, 0, 1] = -angles.sin()
    theta[:, 1, 0] = angles.sin()
    theta[:, :, 2] = -2 * shifts
    theta = theta / scales[:, None, None]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-not-turned-back")
def shift_turned_but_not_scaled(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos(), angles.sin()
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([turn / scales[:, None, None], -2 * turn @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("not-inverted")
def forward_matrix_as_theta(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() * scales, angles.sin() * scales
    turned = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([turned, 2 * shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("not-inverted")
def product_of_the_three_steps(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N = len(images)
    turn, grow, move = (torch.eye(3).repeat(N, 1, 1) for _ in range(3))
    turn[:, 0, 0] = turn[:, 1, 1] = angles.cos()
    turn[:, 0, 1] = angles.sin()
    turn[:, 1, 0] = -angles.sin()
    grow[:, :2, :2] *= scales.view(N, 1, 1)
    move[:, :2, 2] = 2 * shifts
    theta = (move @ grow @ turn)[:, :2]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# ---------------------------------------------------------------- wrong: the batch, the sampling


@wrong("same-for-all-images")
def numbers_of_the_first_image(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    a, k = angles[0], scales[0]
    cos, sin = a.cos() / k, a.sin() / k
    back = torch.stack([cos, -sin, sin, cos]).view(2, 2)
    theta = torch.cat([back, -2 * back @ shifts[0, :, None]], dim=1)
    grid = F.affine_grid(theta.repeat(len(images), 1, 1), images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("same-for-all-images")
def first_theta_expanded(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta[:1].expand_as(theta), images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("other-padding")
def default_padding(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


@wrong("other-padding")
def border_drawn_out(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False).clamp(-1, 1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


@wrong("aligned-corners")
def corners_aligned_in_both(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=True)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=True)


@wrong("aligned-corners")
def own_grid_from_corner_to_corner(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    N, _, S, _ = images.shape
    line = torch.linspace(-1, 1, S)
    y, x = torch.meshgrid(line, line, indexing="ij")
    x = x - 2 * shifts[:, 0].view(N, 1, 1)
    y = y - 2 * shifts[:, 1].view(N, 1, 1)
    c, s = angles.cos().view(N, 1, 1), angles.sin().view(N, 1, 1)
    grid = torch.stack([c * x - s * y, s * x + c * y], dim=-1) / scales.view(N, 1, 1, 1)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("other-interpolation")
def nearest_neighbour(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="nearest", padding_mode="reflection", align_corners=False)


@wrong("other-interpolation")
def bicubic(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


# ---------------------------------------------------------------- wrong: what comes back


@wrong("wrong-shape")
def one_image_too_few_dimensions(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)[0]


@wrong("wrong-shape")
def colours_last(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False).permute(0, 2, 3, 1)


@wrong("wrong-shape")
def grid_given_back(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    return F.affine_grid(theta, images.shape, align_corners=False)


@wrong("wrong-type")
def images_and_grid(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False), grid


@wrong("returns-input")
def identity_as_theta(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = torch.eye(2, 3).repeat(len(images), 1, 1)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("returns-input")
def copy_of_the_images(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    transformed = images.clone()
    return transformed


@wrong("input-changed")
def shifts_doubled_in_place(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    shifts *= 2
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("input-changed")
def result_written_into_the_images(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    for i in range(len(images)):
        cos, sin = angles[i].cos() / scales[i], angles[i].sin() / scales[i]
        back = torch.stack([cos, -sin, sin, cos]).view(2, 2)
        theta = torch.cat([back, -2 * back @ shifts[i, :, None]], dim=1)[None]
        grid = F.affine_grid(theta, (1, *images.shape[1:]), align_corners=False)
        images[i] = F.grid_sample(images[i : i + 1], grid, padding_mode="reflection", align_corners=False)[0]
    return images


@wrong("never-returns")
def image_never_counted_up(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    i = 0
    theta = torch.zeros(len(images), 2, 3)
    while i < len(images):
        theta[i, 0, 0] = angles[i].cos() / scales[i]
        theta[i, 1, 1] = angles[i].cos() / scales[i]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# ---------------------------------------------------------------- wrong: two mistakes


@wrong("degrees", "shift-half")
def degrees_and_half_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    radians = torch.deg2rad(angles)
    cos, sin = radians.cos() / scales, radians.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("rotates-the-other-way", "scale-inverted")
def turn_not_inverted_shift_so(images, angles, scales, shifts):
    # the forward matrix, applied to places less the shift
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() * scales, angles.sin() * scales
    turned = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([turned, -2 * turned @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-not-turned-back", "shift-half")
def inverse_beside_minus_half_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("shift-not-turned-back", "shift-wrong-way")
def inverse_beside_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = angles.cos() / scales
    theta[:, 0, 1] = -angles.sin() / scales
    theta[:, 1, 0] = angles.sin() / scales
    theta[:, :, 2] = 2 * shifts
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("rotates-the-other-way", "other-padding")
def clockwise_over_black(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


@wrong("scale-inverted", "shift-half")
def grows_the_grid_and_half_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() * scales, angles.sin() * scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -back @ shifts[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@wrong("not-inverted", "shift-half")
def forward_matrix_with_half_the_shift(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() * scales, angles.sin() * scales
    theta = torch.stack([cos, sin, shifts[:, 0], -sin, cos, shifts[:, 1]], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


# ---------------------------------------------------------------- unfinished


@unfinished()
def only_pass(images, angles, scales, shifts):
    pass


@unfinished()
def kit_stub(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    raise NotImplementedError("transform_images is not implemented yet")
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@unfinished()
def images_as_they_came(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    return images


@unfinished()
def none_returned(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = None
    return theta


# ---------------------------------------------------------------- broken


@broken()
def undefined_name(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@broken()
def two_columns_in_place_of_three(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    theta = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@broken()
def cosine_of_a_tensor_by_math(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = math.cos(angles), math.sin(angles)
    theta = torch.tensor([[cos, -sin, 0], [sin, cos, 0]])
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@broken()
def list_of_tensors_as_theta(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    theta = [[cos, -sin, -2 * shifts[:, 0]], [sin, cos, -2 * shifts[:, 1]]]
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@broken()
def theta_of_none(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    theta = None
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@broken()
def shift_of_another_shape(images, angles, scales, shifts):
    require_transformation(images, angles, scales, shifts)
    cos, sin = angles.cos() / scales, angles.sin() / scales
    back = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    theta = torch.cat([back, -2 * shifts], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

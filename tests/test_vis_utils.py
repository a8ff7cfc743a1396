import base64
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from cs231n import vis_utils
from cs231n.data_utils import imagenet_class_names
from cs231n.figures import INCHES, Content
from cs231n.net_visualization_pytorch import compute_saliency_maps, make_fooling_image
from cs231n.networks import SIZE
from cs231n.recording import recorded_scores

NAMES = imagenet_class_names()


class Shown(list):
    """The figures that were shown, and their descriptions."""

    def __init__(self):
        self.descriptions = []


@pytest.fixture(autouse=True)
def figures(monkeypatch):
    """The figures that are shown. They are not encoded, which takes a second each."""
    shown = Shown()

    def show(figure, description, content=Content.PHOTOGRAPHS):
        shown.append(figure)
        shown.descriptions.append(description)

    monkeypatch.setattr(vis_utils.figures, "show", show)
    return shown


def panels(figure):
    return [axis for axis in figure.axes if axis.images]


def pictures(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def test_predictions_show_label_and_guesses_with_probabilities(figures):
    scores = torch.zeros(2, 1000)
    scores[0, 281] = scores[1, 3] = 20
    vis_utils.plot_predictions(pictures(2), np.array([281, 4]), NAMES, scores)
    (figure,) = figures
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert "1.00  tabby" in texts
    assert [axis.get_title() for axis in panels(figure)] == ["label: tabby", "label: hammerhead"]
    right, wrong = (axis.patches[0].get_facecolor() for axis in figure.axes[2:])
    assert right != wrong
    assert "Labels: tabby, top-1 tabby with 1.00; hammerhead, top-1 tiger shark with 1.00." in figures.descriptions[0]


def test_a_long_name_does_not_run_into_the_next_panel(figures):
    scores = torch.zeros(1, 1000)
    scores[0, 180] = 20
    vis_utils.plot_predictions(pictures(1), np.array([180]), NAMES, scores)
    texts = [text.get_text() for axis in figures[0].axes for text in axis.texts]
    assert "1.00  American Staffordshir…" in texts
    assert "American Staffordshire terrier" in figures.descriptions[0]  # there is room


def test_filters_are_drawn_one_panel_each(figures, model):
    vis_utils.plot_filters(model.features[0].weight)
    assert len(panels(figures[0])) == 64
    assert "64 filters of 3 x 3 pixels" in figures.descriptions[0]


def test_feature_maps_are_drawn_a_row_a_layer(figures):
    maps = {"shallow": torch.rand(1, 9, 8, 8), "deep": torch.rand(1, 20, 4, 4)}
    maps["shallow"][0, 7] += 5  # the strongest channel comes first
    vis_utils.plot_feature_maps(torch.randn(1, 3, 16, 16), maps, channels=5)
    assert len(panels(figures[0])) == 12
    assert np.array_equal(panels(figures[0])[1].images[0].get_array(), maps["shallow"][0, 7])
    assert [axis.get_ylabel() for axis in figures[0].axes if axis.get_ylabel()] == ["shallow\n9 x 8 x 8", "deep\n20 x 4 x 4"]
    assert "shallow (9 x 8 x 8) channels 7, " in figures.descriptions[0]


def test_saliency_shows_picture_map_and_overlay(figures, model, photographs):
    X, y = photographs
    saliency = compute_saliency_maps(X[:2], y[:2], model).requires_grad_()
    vis_utils.plot_saliency(np.zeros((2, 224, 224, 3), np.uint8), saliency, ["a", "b"])
    vis_utils.plot_saliency(np.zeros((2, 224, 224, 3), np.uint8), saliency.detach().numpy(), ["a", "b"])
    drawn = panels(figures[0])[1].images[0].get_array()
    assert len(panels(figures[0])) == 6
    assert 0 <= drawn.min() < drawn.max() <= 1


def test_one_picture_and_its_saliency_map_fill_the_width_and_many_pictures_are_columns(figures):
    for n in (1, 4):
        vis_utils.plot_saliency(pictures(n), torch.rand(n, 32, 32), ["tabby, tabby cat: 0.91", *"bcd"][:n])
    one, many = figures
    assert one.get_figwidth() == many.get_figwidth() == INCHES
    assert one.get_figheight() < 5
    assert [axis.get_title() for axis in panels(one)] == [axis.get_ylabel() for axis in panels(many)[::4]]
    assert [axis.get_title() for axis in panels(one)] == ["picture", "saliency map", "overlay"]
    assert panels(one)[0].get_ylabel() == panels(many)[0].get_title() == "tabby, tabby cat: 0.91"
    assert len(panels(one)[2].images) == len(panels(many)[-1].images) == 2


def test_a_saliency_map_of_zeros_is_drawn_dark_and_not_nan(figures):
    vis_utils.plot_saliency(pictures(1), torch.zeros(1, 32, 32), ["dead"])
    assert panels(figures[0])[1].images[0].get_array().max() == 0
    assert "dead (nowhere)" in figures.descriptions[0]


def test_the_description_says_where_a_map_is_bright(figures):
    maps = torch.rand(3, 33, 33) / 10
    maps[0, 1:8, 25:] = maps[1, 14:20, 14:20] = maps[2, 28:, 12:20] = 1
    vis_utils.plot_saliency(pictures(3), maps, ["tabby, tabby cat", "yurt", "goose"])
    vis_utils.plot_attributions(pictures(3), {"saliency": maps, "Grad-CAM": maps.flip(2)}, ["tabby", "yurt", "goose"])
    assert "tabby, tabby cat (top right); yurt (centre); goose (bottom)" in figures.descriptions[0]
    assert "tabby: saliency top right, Grad-CAM top left; yurt: saliency centre" in figures.descriptions[1]


def test_attributions_are_drawn_a_row_a_picture_and_a_column_a_method(figures):
    maps = {"saliency": torch.rand(2, 99, 99), "Grad-CAM": torch.zeros(2, 99, 99), "mine": torch.rand(2, 99, 99)}
    maps["saliency"][0, 3, 5] = 1e6  # one strong pixel does not hide the rest
    vis_utils.plot_attributions(pictures(2), maps, ["tabby, tabby cat", "yurt"])
    drawn = [axis.images[0].get_array() for axis in panels(figures[0])]
    assert len(drawn) == 8
    assert [axis.get_title() for axis in figures[0].axes][:4] == ["", *maps]
    assert [axis.get_ylabel() for axis in figures[0].axes[::4]] == ["tabby", "yurt"]
    assert np.median(np.asarray(drawn[1])) > 0.3
    assert drawn[2].max() == drawn[6].max() == 0  # no NaN


def test_answers_stand_in_one_row_with_their_maps_and_are_coloured_by_whether_they_are_correct(figures):
    images, maps = torch.randn(2, 3, 36, 36), torch.zeros(2, 36, 36)
    maps[:, -6:, -6:] = 1
    scores = {"with": torch.tensor([[4.0, 0.0], [4.0, 0.0]]), "without": torch.tensor([[0.0, 4.0], [0.0, 4.0]])}
    maps_of = {"with": {"Grad-CAM": maps}, "without": {}}
    vis_utils.plot_answers({"with": images, "without": images}, scores, maps_of, [0, 1], {0: "animal", 1: "thing"})
    drawn = panels(figures[0])
    titles = ["animal\nwith", "Grad-CAM", "animal\nwithout", "thing\nwith", "Grad-CAM", "thing\nwithout"]
    assert [axis.get_title() for axis in drawn] == titles
    said = ["animal 0.98", "", "thing 0.98", "animal 0.98", "", "thing 0.98"]
    assert [axis.get_xlabel() for axis in drawn] == said
    colours = [axis.xaxis.label.get_color() for axis in drawn if axis.get_xlabel()]
    assert colours == [vis_utils.GIVEN, vis_utils.TARGET, vis_utils.TARGET, vis_utils.GIVEN]
    assert (
        "thing with: it says animal 0.98, Grad-CAM is bright bottom right; thing without: it says thing"
        in figures.descriptions[0]
    )


def test_the_sanity_check_has_a_line_and_a_column_for_each_method(figures):
    stages = ["original", "conv10", "conv1"]
    correlations = {
        "guided backprop": dict(zip(stages, (1, 0.9, 0.5), strict=True)),
        "Grad-CAM": dict(zip(stages, (1, 0, -0.1), strict=True)),
    }
    maps = {method: {stage: torch.rand(32, 32, requires_grad=True) for stage in stages[::2]} for method in correlations}
    vis_utils.plot_sanity_check(correlations, maps)
    axis = figures[0].axes[0]
    lines = {line.get_label(): list(line.get_ydata()) for line in axis.lines if line.get_label() in correlations}
    assert lines == {"guided backprop": [1, 0.9, 0.5], "Grad-CAM": [1, 0, -0.1]}
    assert axis.get_ylim()[0] < -0.1
    assert "guided backprop from 1.00 to 0.50; Grad-CAM from 1.00 to -0.10" in figures.descriptions[0]
    assert len(panels(figures[0])) == 4
    assert [axis.get_ylabel() for axis in panels(figures[0]) if axis.get_ylabel()] == ["original", "conv1"]


def test_the_legends_of_deletion_and_insertion_give_the_areas_the_best_first(figures):
    parts = (0, 0.5, 1)
    deletion = {
        "saliency": torch.tensor([[1.0, 0.5, 0], [1, 0.7, 0]]),
        "random order": torch.tensor([[1.0, 0.9, 0], [1, 0.9, 0]]),
    }
    deletion["a method of one's own"] = torch.full((2, 3), 0.6)
    insertion = {method: 1 - curves for method, curves in deletion.items()}
    vis_utils.plot_deletion_insertion(parts, deletion, insertion)
    legends = [[text.get_text() for text in axis.get_legend().get_texts()] for axis in figures[0].axes]
    best_first = ["0.550  saliency", "0.600  a method of one's own", "0.700  random order"]
    assert legends == [best_first, ["0.450  saliency", "0.400  a method of one's own", "0.300  random order"]]
    np.testing.assert_allclose(figures[0].axes[0].lines[0].get_ydata(), [1, 0.6, 0])
    assert "in deletion, best first: saliency 0.550, a method of one's own 0.600, " in figures.descriptions[0]


def test_a_band_shows_the_standard_error_over_the_pictures_and_one_picture_has_none(figures):
    curves = torch.tensor([[1.0, 0.5, 0], [1, 0.7, 0.4]])
    vis_utils.plot_deletion_insertion((0, 0.5, 1), {"saliency": curves}, {"saliency": curves[:1]})
    band, none = (axis.collections[0].get_paths()[0].vertices for axis in figures[0].axes)
    error = curves.std(dim=0) / 2**0.5
    for x, middle, half in zip((0, 0.5, 1), curves.mean(dim=0).tolist(), error.tolist(), strict=True):
        heights = band[band[:, 0] == x, 1]
        assert (heights.min(), heights.max()) == pytest.approx((middle - half, middle + half))
    for x, height in zip((0, 0.5, 1), curves[0].tolist(), strict=True):
        assert none[none[:, 0] == x, 1] == pytest.approx(height)


def test_an_axis_is_cut_where_no_curve_changes_any_more_and_the_area_is_still_the_whole_one(figures):
    parts = (0, 0.2, 0.4, 1)
    early, late = torch.tensor([[0.8, 0.1, 0.004, 0]]), torch.tensor([[0.8, 0.5, 0.3, 0.2]])
    vis_utils.plot_deletion_insertion(parts, {"saliency": early}, {"saliency": early, "Grad-CAM": late})
    cut, whole = figures[0].axes
    assert cut.get_xlim() == (0, 0.4)
    assert "almost constant beyond 0.4" in cut.get_title()
    assert cut.get_legend().get_texts()[0].get_text() == f"{0.09 + 0.0104 + 0.0012:.3f}  saliency"
    assert whole.get_xlim() == (0, 1)  # one of two still falls
    assert "almost constant" not in whole.get_title()
    vis_utils.plot_deletion_insertion(parts, {"saliency": torch.zeros(2, 4)}, {"saliency": torch.zeros(2, 4)})
    assert figures[1].axes[0].get_xlim() == (0, 1)  # nothing happens at all


def test_a_method_has_the_same_colour_in_every_figure_and_each_its_own(figures):
    curve, stages = torch.rand(1, 2), {"original": 1.0, "conv1": 0.5}
    methods = ["saliency", "SmoothGrad", "integrated gradients", "Grad-CAM", "guided backprop"]
    vis_utils.plot_sanity_check(dict.fromkeys(methods, stages), {m: {"original": torch.rand(8, 8)} for m in methods})
    vis_utils.plot_deletion_insertion((0, 1), dict.fromkeys(methods, curve), dict.fromkeys(methods[::-1], curve))
    colours = [
        {line.get_label().split("  ")[-1]: line.get_color() for line in axis.lines}
        for axis in (figures[0].axes[0], *figures[1].axes)
    ]
    assert all({m: one[m] for m in methods} == {m: colours[0][m] for m in methods} for one in colours)
    assert len({colours[0][m] for m in methods}) == len(methods)


def test_fooling_shows_the_difference_in_pixels_and_magnified(figures):
    X = torch.zeros(1, 3, 16, 16)
    vis_utils.plot_fooling(X, X + 0.1, ["before", "after"])
    titles = [axis.get_title() for axis in panels(figures[0])]
    assert titles == ["before", "after", "difference", "difference x 10"]
    once, magnified = (axis.images[0].get_array()[0, 0, 0] for axis in panels(figures[0])[2:])
    assert once == pytest.approx(0.5 + 0.1 * 0.229)
    assert magnified == pytest.approx(0.5 + 10 * 0.1 * 0.229)
    assert "seen as before; the fooling image, seen as after; their difference" in figures.descriptions[0]
    assert f"at most {255 * 0.1 * 0.229:.0f} of 255 levels" in figures.descriptions[0]


def test_the_scores_along_the_steps_of_a_fooling_image_are_drawn(figures, model, photographs):
    X = photographs[0][8:9]
    with recorded_scores(model) as scores:
        make_fooling_image(X, 889, model)
    vis_utils.plot_scores(scores, 915, 889, NAMES)
    lines = {line.get_label(): line.get_ydata() for line in figures[0].axes[0].lines}
    assert lines["violin (target)"][-1] > max(lines["yurt (label)"][-1], lines["best other class"][-1])
    assert lines["violin (target)"][0] < lines["yurt (label)"][0]
    assert f"{len(scores) - 1} steps: the score of yurt from {scores[0][915]:.1f} to" in figures.descriptions[0]
    assert f"violin from {scores[0][889]:.1f} to {scores[-1][889]:.1f}" in figures.descriptions[0]


def test_iterations_and_images_are_drawn_with_their_titles(figures):
    frames = {i: Image.fromarray(pictures(1, i)[0]) for i in (0, 25)}
    vis_utils.plot_iterations({76: frames, 366: frames}, NAMES)
    vis_utils.plot_images({"one": frames[0], "two": frames[25]})
    assert [axis.get_title() for axis in panels(figures[0])] == ["iteration 0", "iteration 25"] * 2
    assert [axis.get_title() for axis in panels(figures[1])] == ["one", "two"]
    assert "tarantula at 0, 25; gorilla at 0, 25" in figures.descriptions[0]
    assert figures.descriptions[1] == "Images side by side: one; two."


def test_class_images_stand_in_a_row_for_each_class_with_the_judges_verdicts_below(figures):
    images = {"all": torch.rand(2, 3, 16, 16), "as in section 6": torch.rand(2, 3, 16, 16)}
    ranks = {"all": torch.tensor([0, 4]), "as in section 6": torch.tensor([5, 999])}
    vis_utils.plot_class_images(images, [281, 3], NAMES, ranks)
    found = panels(figures[0])
    assert [axis.get_title() for axis in found[:2]] == ["all", "as in\nsection 6"]
    assert [axis.get_ylabel() for axis in found if axis.get_ylabel()] == ["tabby", "tiger shark"]
    assert [axis.get_xlabel() for axis in found] == ["rank 1", "rank 6", "rank 5", "rank 1000"]
    colours = [axis.xaxis.label.get_color() for axis in found]
    assert colours[0] == colours[2] != colours[1] == colours[3]
    assert "tabby, tiger shark" in figures.descriptions[0]
    assert "all: 1, 5; as in section 6: 6, 1000." in figures.descriptions[0]


def test_what_matters_of_an_image_is_shown_and_the_rest_is_not_beside_the_photograph_that_was_found(figures):
    images, masks = torch.rand(2, 3, 8, 8), torch.zeros(2, 8, 8)
    masks[:, :4] = 1
    photographs, names = [np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 9, np.uint8)], {0: "goose", 1: "ape", 2: "fig"}
    vis_utils.plot_made_and_found(images, masks, [0, 1], photographs, [2, 0], names)
    drawn = panels(figures[0])
    assert [axis.get_title() for axis in drawn] == ["made", "found", "made", "found"]
    assert [axis.get_xlabel() for axis in drawn] == ["goose", "fig", "ape", "goose"]
    shown = [axis.images[0].get_array() for axis in drawn]
    assert all((shown[i][:4, :, 3] == 1).all() and (shown[i][4:, :, 3] == 0).all() for i in (0, 2))
    np.testing.assert_allclose(shown[2][:, :, :3], images[1].permute(1, 2, 0))
    assert (shown[1] == photographs[0]).all()
    assert (shown[3] == photographs[1]).all()
    assert "goose, beside it a photograph of fig; ape, beside it a photograph of goose" in figures.descriptions[0]


def test_without_a_judge_class_images_have_no_verdicts(figures):
    vis_utils.plot_class_images({"all": torch.rand(1, 3, 16, 16)}, [281], NAMES, {})
    assert [axis.get_xlabel() for axis in panels(figures[0])] == [""]


def test_a_contact_sheet_holds_all_images_and_is_replaced_only_by_a_whole_one(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "sheet.png"
    vis_utils.save_contact_sheet(torch.rand(5, 3, 16, 16), list("abcde"), path, columns=3)
    before = path.read_bytes()
    with Image.open(path) as picture:
        assert picture.width > picture.height

    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", full_disk)
    with pytest.raises(OSError, match="no space"):
        vis_utils.save_contact_sheet(torch.rand(5, 3, 16, 16), list("abcde"), path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["sheet.png"]


def test_figures_are_as_wide_as_the_page_and_their_panels_fill_it(figures, model):
    vis_utils.plot_filters(model.features[0].weight)
    vis_utils.plot_saliency(pictures(5), torch.rand(5, 32, 32), list("abcde"))
    vis_utils.plot_images({title: Image.fromarray(pictures(1)[0]) for title in "abcd"})
    for figure in figures:
        assert figure.get_figwidth() == pytest.approx(INCHES)
        places = [axis.get_position() for axis in panels(figure)]
        assert min(place.x0 for place in places) < 0.05
        assert max(place.x1 for place in places) > 0.95
        for place in places:  # square, so nothing is left blank
            assert place.width * figure.get_figwidth() == pytest.approx(place.height * figure.get_figheight())


def test_a_single_image_is_not_blown_up_to_the_width_of_the_page(figures):
    vis_utils.plot_images({"monarch": Image.fromarray(pictures(1)[0])})
    assert 3 < figures[0].get_figwidth() < 5
    assert figures.descriptions == ["An image: monarch."]


def test_an_animation_is_written_whole_and_shown_sharp_in_the_notebook(tmp_path):
    frames = [Image.fromarray(picture) for picture in pictures(4)]
    path = tmp_path / "film.webp"
    vis_utils.save_animation(iter(frames), path)
    with Image.open(path) as film:
        assert film.n_frames == 4
        html = vis_utils.show_animation(path, description='a "tarantula"').data
        width = int(re.search(r'width="(\d+)"', html)[1])
        assert width >= 2 * SIZE
        assert film.width >= 1.9 * width
    assert "margin: 0 auto" in html
    assert 'alt="a &quot;tarantula&quot;"' in html
    embedded = re.search(r'base64,([^"]+)"', html)[1]
    assert base64.b64decode(embedded) == path.read_bytes()
    assert 'alt="animation: film"' in vis_utils.show_animation(path).data


def test_an_animation_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "film.webp"
    path.write_bytes(b"the old film")

    def fail(target, *_, **__):
        target.write_bytes(b"half a film")
        raise OSError("disk full")

    monkeypatch.setattr(vis_utils.imageio, "imwrite", fail)
    with pytest.raises(OSError, match="disk full"):
        vis_utils.save_animation([Image.fromarray(pictures(1)[0])], path)
    assert path.read_bytes() == b"the old film"
    assert [file.name for file in tmp_path.iterdir()] == ["film.webp"]
    with pytest.raises(ValueError, match="no frames"):
        vis_utils.save_animation([], path)
    for other in (tmp_path / "film.gif", tmp_path / "no folder" / "film.webp"):
        with pytest.raises(ValueError, match=r"ends in \.webp, in a folder that exists"):
            vis_utils.save_animation([], other)


def test_source_is_shown_in_colour_and_whole():
    html = vis_utils.show_source(make_fooling_image).data
    assert "color:" in html
    assert "# BEGIN SOLUTION" in re.sub("<[^>]*>", "", html)


def test_where_no_frame_was_kept_a_sentence_says_so():
    with pytest.raises(ValueError, match="no frames to draw"):
        vis_utils.plot_iterations({76: {}}, {76: "tarantula"})

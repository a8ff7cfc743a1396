"""A class for the marking page: twenty students, what they answered, and the folder that grading them would leave."""

import base64
import io

from PIL import Image

from cs231n.instructor.reports import safe
from cs231n.instructor.reports.records import Record, State, write

NAMES = (
    "Ada Lindqvist",
    "Ben Okafor",
    "Chen Wei",
    "Dilara Öztürk",
    "Emil Novák",
    "Fatima Zahra",
    "Giulia Conti",
    "Hana Sato",
    "Ivo Petrov",
    "Jana Müller",
    "Kofi Mensah",
    "Lena Brandt",
    "Mateo Ruiz",
    "Noor van Dijk",
    "Olga Sokolova",
    "Priya Nair",
    "Quentin Leroy",
    "Rosa Almeida",
    "Sven Dahl",
    "Tomás Ferreira",
)

FRIEND = (
    "No. The map is the maximum of the absolute gradient, so it is never negative. Where the gradient is negative the score "
    "would rise if the pixel got darker, but the step makes it brighter. It also has one value per pixel, so red, green and "
    "blue all change by the same amount although their gradients differ.",
    "No, because of the absolute value: the sign of the gradient is lost. At pixels with a negative gradient we would go the "
    "wrong way, and the score there gets *smaller*.",
    "No. $M$ has shape $(H, W)$ and the image has shape $(3, H, W)$, so they cannot be added.",
    "Yes. The saliency map shows which pixels matter most for the class, so making those pixels stronger makes the score higher.",
    "The friend is wrong. $M_{ij} = \\max_c |g_{cij}|$ is computed from the gradient with an absolute value and a maximum, so it "
    "is not the gradient any more.",
    "No: two things are lost. (1) the sign, since $|g| \\ge 0$, so the image only ever gets brighter, also where darker would "
    "help. (2) which channel the maximum came from; all three channels get the same change, even the ones that should go down.",
    "It could work if you broadcast the map over the colour channels, because a large gradient means a large increase.",
    "He is not right. Saliency tells us *how sensitive* the score is at a pixel, not in which direction to move it. With the "
    "absolute value taken, roughly half of the pixels would be moved against their gradient, and the total score might fall.",
    "No, the sign is missing.",
    "Saliency has nothing to do with the gradient, it only shows the edges of the object, so it can't be used for ascent.",
    "No. First, $\\alpha M \\ge 0$ everywhere, so the step cannot lower any pixel. Second, the max over channels throws away two "
    "of the three numbers. To first order the change of the score is $\\sum_{cij} g_{cij} M_{ij}$, and this sum can be negative.",
    "I think no, as the map has only one channel and the colours are lost. If a picture needs to be more red and less blue, the "
    "map cannot say so.",
    "Not right. Gradient ascent needs the direction of steepest ascent. The map is only the magnitude. So you would walk in "
    "a direction which has a positive component wherever g is positive and a negative one wherever g is negative, and these "
    "cancel more or less. The colours are another problem: same update for R, G, B.",
    "Yes, but you have to choose a small alpha, otherwise the image is clipped at 1 and the step is wasted.",
    "No. The friend's step would only make the image brighter at the salient pixels.",
    "No, since the map mixes the images of the batch when we take the maximum.",
    "The map is $\\max_c |\\partial s_y / \\partial I|$. Because of $|\\cdot|$ it says how much the score changes but not "
    "whether it goes up or down, so for negative derivatives the update has the wrong sign and lowers the score there. And "
    "because of the maximum over $c$ all channels are changed alike.",
    "No, you need the gradient. Saliency is the absolute value of the gradient over the channels' maximum.",
    "The idea is wrong for pixels whose gradient is negative. For those the friend adds where one should subtract:\n\n"
    "* gradient $-2$: right step is $-2\\alpha$, the friend's is $+2\\alpha$\n* gradient $+2$: both agree\n\n"
    "So the score gains at some pixels and loses at others.",
    "No because shapes differ, but with unsqueeze(0) it would broadcast, and then all channels get the same update, which is "
    "not what the gradient says: its three channels can even have different signs. The sign is gone as well through abs().",
)

PROBABILITY = (
    "The values are nearly zero. $p_y \\approx 1$, so the first term and the $k = y$ part of the sum cancel: what is left has "
    "weights of about $1 - p_y = 0.0001$. It answers another question: how to make the class win *against the others*, since "
    "the gradients of the other classes are in it.",
    "Much smaller, because the softmax is saturated. The gradient of the probability is close to 0 when p is close to 1.",
    "They are the same up to the factor $p_y = 0.9999$, so there is practically no difference.",
    "The map is darker by a factor of thousands as the bracket vanishes when $p_y \\to 1$. It still answers the same question, "
    "because after normalising it looks the same.",
    "The values are larger, since the sum over all classes is added.",
    "Plug in: $p_y(s'_y - p_y s'_y - \\sum_{k\\ne y} p_k s'_k) = p_y((1-p_y)s'_y - \\sum_{k \\ne y} p_k s'_k)$. All weights are "
    "at most 0.0001, so the map is tiny. The other classes' gradients appear, so it explains why $y$ *rather than* the rivals.",
    "Close to 0. No, it is a different question.",
    "It would be almost black. At $p = 0.9999$ the network is sure and changing a pixel changes nothing.",
    "The probability depends on all scores, not only on that of the class. So the map shows what would change the probability, "
    "which includes lowering the other classes. The size is smaller.",
    "The sum contains $k=y$ and subtracts nearly the whole gradient, hence values around $10^{-4}$ of the score's map. Not the "
    "same question: score = what speaks for $y$; probability = what speaks for $y$ and against the next best class.",
    "Same question, because the probability is a monotonic function of the score, so the most important pixels stay the same.",
    "Smaller by a factor $p_y(1-p_y) \\approx 0.0001$, like the derivative of the sigmoid.",
    "I computed it for one image in the notebook: the maximum was 3.1e-4 against 2.7. So about 10 000 times smaller. The reason "
    "is the saturation of the softmax: $1-p_y$ is a factor of everything in the bracket. The rivals enter with their $p_k$.",
    "The values are between 0 and 1 because they are probabilities.",
    "Tiny, as $(1 - p_y)$ multiplies the gradient of $s_y$, and the $p_k$ of the others sum up to $1 - p_y$ as well. And no: "
    "the gradients of the strongest competitor are subtracted, so it is about the *difference* between classes.",
    "It is bounded, and it answers the same question but in other units.",
    "The gradient nearly vanishes. With softmax, raising the score of a class that already has all the probability does not "
    "help. A map of it asks what separates the class from the others, the score map asks what the class likes.",
    "We get $\\partial p_y/\\partial I \\approx \\partial s_y / \\partial I - \\partial s_y / \\partial I = 0$.",
    "Numerically it's near zero and might even underflow, so one would have to rescale it. Otherwise it is the same thing.",
    "Values $\\approx 2 \\cdot 10^{-4}$ times those of the scores. The map then depends mostly on the second class, since its "
    "$p_k$ is the largest among the small ones. So it is about 'why this and not that'.",
)

# To question 3: the first three are one answer, the next two differ from it by a word or two.
RANDOM = (
    "A random direction is nearly orthogonal to the gradient, so the products cancel; along the gradient they add up.",
    "A random  direction is nearly orthogonal to the gradient, so the products cancel; along the gradient they add up.",
    "a random direction is nearly orthogonal to the gradient, so the products cancel; Along the gradient they add up.",
    "A random direction is almost orthogonal to the gradient, so the products cancel; along the gradient they add up.",
    "A random direction is nearly orthogonal to the gradient, so the terms cancel; along the gradient they all add up.",
    "In $D$ dimensions $g \\cdot \\delta$ is about $\\lVert g \\rVert \\lVert \\delta \\rVert / \\sqrt{D}$ for a random "
    "$\\delta$: 388 times less.",
)


def key_of(name):
    """Return a student's key in grades.csv."""
    return name.split()[0].lower()


def record(name, **answers):
    """Return the Record of a student: answers by question, question_1="..." for the first."""
    key = key_of(name)
    told = {question.replace("_", "-"): words for question, words in answers.items()}
    return Record(key, name, f"{key}.ipynb", "0" * 64, verdict=State.GRADED, answers=told)


def everybody():
    """Return the Records of the class: all answered questions 1 and 2, each in other words, and six answered question 3."""
    third = [*RANDOM, *[""] * (len(NAMES) - len(RANDOM))]
    return [
        record(name, question_1=first, question_2=second, question_3=words)
        for name, first, second, words in zip(NAMES, FRIEND, PROBABILITY, third, strict=True)
    ]


def png(colour, size=(320, 240)):
    """Return a picture of one colour, base64."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def graded(folder, records):
    """Write what grading leaves of the records into folder/rows, and return the folder."""
    (folder / "rows").mkdir(parents=True)
    for one in records:
        write(folder / "rows" / f"{safe.file_name(one.student)}.json", one)
    return folder

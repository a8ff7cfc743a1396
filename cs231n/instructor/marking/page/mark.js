// The page on which answers are marked. The server in this folder's package answers what `ask` asks for.
//
// HTML that comes from the server (questions, answers, the rubric) was cleaned there and goes through `rendered`; every other
// string, such as a name or a comment, becomes text. Only the current answer is in the page. A mark counts as saved when the
// server has said so; until then it is a draft, and drafts are shown, kept and sent again on command.

const $ = (id) => document.getElementById(id);
const VIEWS = {overview, disagreements, conflicts, log};
const FILTERS = {
  all: () => true,
  open: (item) => !item.mark,
  flagged: (item) => item.flag,
  before: (item) => item.before !== "",
  twice: (item) => item.twice,
  others: (item) => !isMine(item),
};
// One's own share, and what one marks in addition to another marker, without seeing what that one gave.
const isMine = (item) => item.mine || item.twice;
const SUGGESTIONS = 6; // of the comments given before
const KEPT = 8; // answers whose pictures are kept: some have megabytes
const ALIASES = 8; // of the students who gave an answer, before the rest is folded
const NARROW = matchMedia("(max-width: 760px)");
const SILENT_MILLISECONDS = 20_000; // after which the server is taken to be gone

const state = {
  token: takenToken(),
  desk: null,
  question: null, // of the desk's questions, the one that is marked
  items: [],
  at: -1, // of the items
  comments: [], // {text, times}, for the question
  chosen: -1, // of the suggestions shown
  drafts: new Map(), // by question and item: what is chosen and not saved
  pictures: new Map(), // by item: a promise of the answer with its pictures, of the last few
  names: null, // by alias, once they were asked for
  saving: false,
  turn: 0, // of the views that were asked for
  keys: [], // pressed while saving, in order
  regrade: null, // {go, leave}: sends the mark that needs a reason, or leaves the grades as they are
};

// ---- the server

class Refused extends Error {
  constructor(sentence, status = 0, needs = "") {
    super(sentence);
    this.status = status;
    this.needs = needs;
  }
}

function takenToken() {
  const address = new URL(location.href);
  const token = address.searchParams.get("token") ?? sessionStorage.getItem("token") ?? "";
  sessionStorage.setItem("token", token);
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
  return token;
}

async function ask(path, body) {
  const headers = {"X-Marking-Token": state.token};
  const options = {headers, cache: "no-store", signal: AbortSignal.timeout(SILENT_MILLISECONDS)};
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, {method: "POST", body: JSON.stringify(body)});
  }
  let answer, told;
  try {
    answer = await fetch(`/api/${path}`, options);
    told = await answer.json();
  } catch {
    throw new Refused("The marking server is not responding. Start it again in its terminal, with the same command and port; then press r.");
  }
  if (answer.status === 401 || answer.status === 403) $("address").hidden = false;
  if (!answer.ok) throw new Refused(told.error ?? `The marking program answered ${answer.status}.`, answer.status, told.needs);
  return told;
}

// Runs what a person asked for; a refusal is shown and changes nothing else. Returns whether it was done.
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    complain(error.message);
    return false;
  }
}

// ---- small parts of the page

function make(tag, properties = {}, ...children) {
  const {dataset = {}, aria = {}, ...rest} = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  element.append(...children);
  return element;
}

function rendered(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

const text = (html) => make("div", {className: "text", dir: "auto"}, rendered(html));
const number = (value) => String(Math.round(value * 100) / 100);
const pointsInWords = (points) => `${number(points)} ${points === 1 ? "point" : "points"}`;
const clock = () => new Date().toLocaleTimeString("en-GB");
const inText = (title) => title.charAt(0).toLocaleLowerCase() + title.slice(1);

function inWords(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${number(Math.round(minutes / 6) / 10)} h`;
}

// Today's times come without the date.
function when(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString("en-GB", {...(!isToday && {dateStyle: "medium"}), timeStyle: isToday ? "medium" : "short"});
}

function say(sentence, saved = false) {
  $("problem").textContent = "";
  $("status").classList.toggle("saved", saved);
  $("status").textContent = sentence;
}

function complain(sentence) {
  $("status").classList.remove("saved");
  $("status").textContent = "";
  $("problem").textContent = sentence;
}

// ---- drafts: what a mark would be

const key = (item, question = state.question) => `${question.key}/${item.id}`;
const current = () => state.items[state.at] ?? null;

function draftOf(item) {
  const {points = null, lines = [], comment = ""} = item.mark ?? {};
  return {question: state.question.key, item: item.id, points: points === null ? "" : number(points), lines: [...lines], comment, seconds: 0, removes: false, failed: false};
}

const draft = () => state.drafts.get(key(current())) ?? draftOf(current());

// Changes the current draft; one that is as the mark that is saved is not kept.
function change(changes) {
  const item = current();
  const changed = {...draft(), removes: false, failed: false, ...changes};
  if (isSame(changed, draftOf(item))) state.drafts.delete(key(item));
  else state.drafts.set(key(item), changed);
  showUnsaved();
}

const isSame = (one, other) => one.points === other.points && one.comment === other.comment && String(one.lines) === String(other.lines);

// The points of a draft; null where none are given, NaN where they are not from 0 to the question's most.
function pointsOf({points}, most) {
  const written = points.trim().replace(",", ".");
  if (written === "") return null;
  const value = /^\d+(\.\d*)?$/.test(written) ? Number(written) : NaN;
  return value <= most ? value : NaN;
}

function whyNotSaved(given, question) {
  if (given.removes) return "";
  const points = pointsOf(given, question.most);
  if (points === null) return "No points yet: press the number of a line of the rubric, 0 for none, or s to skip the answer.";
  if (Number.isNaN(points)) return `The points are ${given.points.trim()}; expected a number from 0 to ${number(question.most)}.`;
  return "";
}

function choose(index) {
  const {lines: all, mode, most} = state.question;
  if (!all[index]) return;
  const {lines} = draft();
  const isOn = lines.includes(index);
  let chosen = isOn ? [] : [index];
  if (mode === "additive") chosen = isOn ? lines.filter((line) => line !== index) : [...lines, index].sort((a, b) => a - b);
  const isAll = mode === "additive" && chosen.length === all.length; // scaled lines are rounded, their sum is not
  const sum = isAll ? most : chosen.reduce((total, line) => total + all[line].points, 0);
  change({lines: chosen, points: chosen.length ? number(Math.min(most, Math.max(0, sum))) : ""});
  showMark();
  hear();
}

// No points: where the lines exclude each other, the line that says so.
function chooseNone() {
  const {lines, mode} = state.question;
  const zero = mode === "exclusive" ? lines.findIndex((line) => line.points === 0) : -1;
  change({lines: zero < 0 ? [] : [zero], points: "0"});
  showMark();
  hear();
}

// For those who do not see the points: what a key has chosen.
function hear() {
  const {points, lines} = draft();
  $("heard").textContent = `${points ? pointsInWords(Number(points)) : "no points yet"}${lines.length ? `, line${lines.length === 1 ? "" : "s"} ${lines.map((line) => line + 1).join(", ")}` : ""}`;
}

// The mark that is being chosen is a draft, too; it is no alarm unless the server refused it.
function showUnsaved() {
  const here = current() && state.drafts.get(key(current()));
  const count = state.drafts.size - (here && !here.failed ? 1 : 0);
  if (current()) $("state").textContent = here ? "unsaved" : current().mark ? "saved" : "";
  if (current()) $("save").firstElementChild.textContent = stepInWords();
  $("retry").hidden = count === 0;
  $("retry").textContent = `${count === 1 ? "1 mark is" : `${count} marks are`} not saved: save now (r)`;
}

// ---- saving

async function send(given, reason) {
  const question = state.desk.questions.find((one) => one.key === given.question);
  const body = {question: given.question, item: given.item, points: pointsOf(given, question.most), lines: given.lines, comment: given.comment.trim(), seconds: given.seconds};
  const told = await ask("mark", reason === undefined ? body : {...body, reason});
  state.drafts.delete(`${given.question}/${given.item}`);
  showUnsaved();
  if (given.question === state.question?.key) {
    took(told.item, told.progress);
    keepComment(body.comment);
  }
  return told;
}

function took(item, progress) {
  const place = state.items.findIndex((one) => one.id === item.id);
  if (place >= 0) state.items[place] = item;
  if (progress) showProgress(progress);
}

// Saves the current answer's mark and, once it is on disk, goes on; without anything to save it goes on at once. Keys that are
// pressed meanwhile wait for that.
async function save() {
  if (!current() || state.saving) return;
  const next = nextToMark();
  if (!isChanged()) return next >= 0 ? goTo(next) : (location.hash = `#${nextQuestion()?.key ?? "overview"}`);
  await saveThis(goOn);
}

// Saves what is chosen for the current answer; then comes `after`.
async function saveThis(after) {
  const given = {...draft(), seconds: secondsHere()};
  const problem = whyNotSaved(given, state.question);
  if (problem) return complain(problem);
  await store(given, () => `Saved at ${clock()}: ${pointsInWords(pointsOf(given, state.question.most))}.`, after);
}

const isChanged = () => !current().mark || !isSame(draft(), draftOf(current()));

// What `save` does next, on its button.
function stepInWords() {
  const isLast = nextToMark() < 0;
  if (isChanged()) return isLast ? "Save" : "Save and next";
  if (!isLast) return "Next to mark";
  return nextQuestion() ? `Go to ${inText(nextQuestion().title)}` : "Go to the overview";
}

async function takeBack() {
  const item = current();
  if (!item.mark) return complain("This answer is not marked.");
  const removal = {...draftOf(item), points: "", lines: [], comment: "", removes: true, seconds: secondsHere()};
  await store(removal, () => `Unmarked at ${clock()}.`, show);
}

// Sends a mark. One that is in the grades already asks for a reason, and is sent again with it.
async function store(given, words, after, reason) {
  const name = `${given.question}/${given.item}`;
  const before = state.drafts.get(name);
  state.drafts.set(name, given);
  await whileSaving(async () => {
    try {
      await send(given, reason);
    } catch (error) {
      given.failed = error.needs !== "reason";
      if (given.failed) throw error;
      const leave = () => (given.removes && before ? state.drafts.set(name, before) : state.drafts.delete(name));
      return askForReason(error.message, given.removes, (why) => store(given, words, after, why), leave);
    }
    say(words(), true);
    after();
  });
}

async function whileSaving(work) {
  state.saving = true;
  say("saving …");
  const done = await attempt(work);
  state.saving = false;
  showMark();
  if (!done) state.keys = [];
  pressKept();
}

// Does what was pressed while saving, in order: the next save keeps the rest waiting, and a field takes what was meant for it.
function pressKept() {
  while (state.keys.length && !state.saving) {
    const pressed = state.keys.shift();
    const field = document.activeElement;
    if (pressed === "Escape") $("answer").focus({preventScroll: true});
    else if (!field.matches("input, textarea") || pressed === "Enter") act(pressed);
    else {
      field.setRangeText(pressed, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input"));
    }
  }
}

// The grades change only with a reason. Whoever pressed x by mistake has a way out before the first key: see regradeKey.
function askForReason(sentence, removes, go, leave = () => {}) {
  state.keys = [];
  state.regrade = {go, leave};
  say("");
  $("graded").textContent = sentence;
  $("regrade-do").textContent = removes ? "Take the mark back" : "Change it";
  $("regrade").hidden = false;
  $(removes ? "keep" : "reason").focus();
}

// With the focus on a button of the question: Escape and u leave the grades alone, other letters begin the reason.
function regradeKey(event) {
  if (event.key === "Escape" || event.key === "u") {
    event.preventDefault();
    leaveGrade();
  } else if (event.key.length === 1 && event.key !== " ") $("reason").focus();
}

async function saveAll() {
  const waiting = [...state.drafts.values()];
  if (!waiting.length) return say("Everything is saved.");
  await whileSaving(async () => {
    let saved = 0;
    for (const given of waiting) {
      const question = state.desk.questions.find((one) => one.key === given.question);
      const problem = whyNotSaved(given, question);
      if (problem) throw new Refused(`${question.title}: ${problem}`);
      try {
        await send(given);
      } catch (error) {
        const isHere = given.question === state.question?.key && state.items.some((one) => one.id === given.item);
        if (error.needs !== "reason" || !isHere) throw new Refused(`${question.title}: ${error.message}`, error.status);
        goTo(state.items.findIndex((one) => one.id === given.item));
        given.failed = false;
        const leave = () => state.drafts.delete(`${given.question}/${given.item}`);
        const again = (why) => store(given, () => `Saved at ${clock()}.`, show, why);
        return askForReason(error.message, given.removes, again, leave);
      }
      saved += 1;
    }
    say(`Saved at ${clock()}: ${saved === 1 ? "1 mark" : `${saved} marks`}.`, true);
  });
  if ($("regrade").hidden) show();
}

async function undo() {
  if (state.drafts.delete(key(current()))) {
    showUnsaved();
    showMark();
    return say("Unsaved changes discarded.");
  }
  await whileSaving(async () => {
    const {item, progress} = await ask("undo", {question: state.question.key});
    if (!item) return say("There is nothing to undo.");
    took(item, progress);
    goTo(state.items.findIndex((one) => one.id === item.id));
    say(`Your last change was undone at ${clock()}.`, true);
  });
}

async function flag() {
  const item = current();
  await whileSaving(async () => {
    const told = await ask("flag", {question: state.question.key, item: item.id, flag: !item.flag});
    took(told.item);
    show();
    say(`${told.item.flag ? "Flagged" : "Flag removed"} at ${clock()}.`, true);
  });
}

// ---- the time that an answer takes, without that in which the page is out of sight

const watch = {since: performance.now(), spent: 0};
const secondsHere = () => Math.round(watch.spent + (document.hidden ? 0 : performance.now() - watch.since)) / 1000;

function restartWatch() {
  watch.spent = 0;
  watch.since = performance.now();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) watch.spent += performance.now() - watch.since;
  watch.since = performance.now();
});

// ---- going from answer to answer

function goTo(index) {
  if (index < 0 || index >= state.items.length) return;
  state.at = index;
  restartWatch();
  show();
}

// The place of the next item, from the current one on and round, that passes; -1 without one.
function nextPlace(passes, step = 1) {
  const count = state.items.length;
  for (let away = 1; away <= count; away += 1) {
    const place = (((state.at + step * away) % count) + count) % count;
    if (passes(state.items[place])) return place;
  }
  return -1;
}

function move(step) {
  const place = nextPlace(FILTERS[$("filter").value], step);
  if (place < 0 || place === state.at) return say("There is no other answer to show.");
  goTo(place);
  say(placeInWords());
}

// On to the next answer to mark, within one's own share; the shares of others are opened by asking for it.
function goOn() {
  if (nextToMark() >= 0) return goTo(nextToMark());
  show();
  const left = state.items.some((item) => !item.mark);
  const isHidden = state.items.some((item) => isMine(item) && !item.mark);  // by the filter
  const done = isHidden ? "All answers that are shown are marked." : `All answers ${left ? "in your share of" : "to"} this question are marked.`;
  const others = left ? `g to continue with ${isHidden ? "the others" : "other markers' answers"}, or ` : "";
  const next = nextQuestion();
  const isOwn = state.items.some(isMine);
  say(`${$("status").textContent} ${isOwn || !left ? `${done} ` : ""}Press ${others}Enter for ${next ? inText(next.title) : "the overview"}.`, true);
}

// The place of the next answer to mark after the current one, within one's own share; -1 without one.
const nextToMark = () => nextPlace((item) => item !== current() && isMine(item) && !item.mark && passesFilter(item));

// The next question, from this one on and round, with answers to mark; undefined without one.
function nextQuestion() {
  const {questions} = state.desk;
  const here = questions.findIndex((one) => one.key === state.question.key);
  return [...questions.slice(here + 1), ...questions.slice(0, here)].find((one) => one.marked < one.total);
}

// A filter that only shows what is marked would end the way at once.
const passesFilter = (item) => ["all", "open"].includes($("filter").value) || FILTERS[$("filter").value](item);

function skip() {
  const place = nextPlace((item) => isMine(item) && !item.mark && item !== current());
  if (place < 0) return say(`There is no other answer to mark${state.desk.share ? " in your share" : ""}.`);
  goTo(place);
  say("Skipped; it is still to be marked.");
}

function seek(passes, none) {
  const place = nextPlace(passes);
  if (place < 0) return say(none);
  goTo(place);
}

// ---- showing the current answer

function show() {
  const item = current();
  $("marking").dataset.empty = String(!item);
  if (!item) return showNothing();
  $("position").textContent = placeInWords();
  $("badges").replaceChildren(...badges(item));
  $("who").replaceChildren(...who(item));
  showSentence("before", item.before);
  showSentence("note", item.note);
  $("answer").dir = "auto";
  $("answer").replaceChildren(rendered(item.answer));
  showPictures(item);
  $("equal").disabled = item.near.length === 0;
  $("flag").setAttribute("aria-pressed", String(item.flag));
  $("regrade").hidden = true;
  $("student").scrollTop = 0;
  showMark();
  if (!document.querySelector("dialog[open]")) $("answer").focus({preventScroll: true});
}

// Among several markers, one's own share comes first and is counted alone.
function placeInWords() {
  const {items, at, desk} = state;
  if (!desk.share) return `Answer ${at + 1} of ${items.length}`;
  const alike = items.filter((item) => isMine(item) === isMine(items[at]));
  return `Answer ${alike.indexOf(items[at]) + 1} of ${alike.length} ${isMine(items[at]) ? "in" : "outside"} your share`;
}

function showNothing() {
  $("position").textContent = "Nobody answered this question.";
  for (const id of ["badges", "who", "answer", "pictures"]) $(id).replaceChildren();
}

function showSentence(id, sentence) {
  $(id).hidden = !sentence;
  $(id).textContent = sentence || "";
}

function badges(item) {
  const badge = (words, kind = "") => make("span", {className: `badge ${kind}`}, words);
  const found = [];
  if (item.aliases.length > 1) found.push(badge(`${item.aliases.length} students gave this answer`, "strong"));
  if (item.near.length) found.push(badge(`${item.near.length} nearly equal (e)`));
  if (item.flag) found.push(badge("flagged", "flagged"));
  if (item.twice) found.push(badge(item.mark && item.others.length ? "marked by two people" : "to be marked by two people"));
  for (const {points, by, when: time} of [item.mark, ...item.others].filter(Boolean)) found.push(badge(`${pointsInWords(points)}, ${by}, ${when(time)}`));
  return found;
}

const named = (alias) => make("bdi", {}, state.names?.[alias] ?? alias);

function who(item) {
  const shown = item.aliases.map(named);
  const listed = (some) => some.flatMap((one, place) => (place ? [", ", one] : [one]));
  const [first, rest] = [shown.slice(0, ALIASES), shown.slice(ALIASES)];
  if (!rest.length) return listed(first);
  return [...listed(first), make("details", {}, make("summary", {}, `and ${rest.length} more`), ...listed(rest))];
}

function picture(address, alt) {
  if (!/^(data:image\/|blob:)/.test(address)) return make("span", {}, `[${alt} cannot be shown]`);
  const button = make("button", {type: "button", className: "picture", title: "Full size (v)"}, make("img", {src: address, alt}));
  button.addEventListener("click", enlarge);
  return button;
}

// A question's answers come without their pictures, which are asked for once an answer is shown; so are those of the next one.
async function showPictures(item) {
  $("pictures").replaceChildren(item.pictures_waiting ? "The pictures are being fetched …" : "");
  if (!item.pictures_waiting) return;
  await attempt(async () => {
    const found = pictures(await whole(item));
    if (current()?.id === item.id) $("pictures").replaceChildren(...found);
  });
  const next = state.items[nextPlace((one) => isMine(one) && !one.mark)];
  if (next && current()?.id === item.id) whole(next).catch(() => {});
}

// An answer with its pictures, and with how nearly equal answers differ.
function whole(item) {
  const name = key(item);
  if (!state.pictures.has(name)) {
    const asked = ask(`item/${encodeURIComponent(state.question.key)}/${encodeURIComponent(item.id)}`);
    asked.catch(() => state.pictures.delete(name));
    state.pictures.set(name, asked);
    for (const old of [...state.pictures.keys()].slice(0, -KEPT)) state.pictures.delete(old);
  }
  return state.pictures.get(name);
}

function pictures(item) {
  const own = item.pictures.map((address, place) => make("figure", {}, picture(address, `Picture ${place + 1} in the answer`)));
  return [...own, ...item.figures.map(figure)];
}

function figure({caption, own, reference}) {
  const side = (addresses, words) => {
    const shown = addresses.map((address) => picture(address, `${words}: ${caption}`));
    if (!shown.length) return make("figure", {className: "missing"}, make("figcaption", {}, `${words}: there is none.`));
    return make("figure", {}, make("figcaption", {}, words), ...shown);
  };
  return make("section", {aria: {label: caption}}, make("h2", {}, caption), make("div", {className: "pair"}, side(own, "The student's"), side(reference, "Reference")));
}

function enlarge() {
  if (!$("pictures").querySelector("img")) return say("This answer has no pictures.");
  const shown = $("pictures").cloneNode(true);
  for (const button of shown.querySelectorAll(".picture")) button.replaceWith(button.firstChild);
  $("large-pictures").replaceChildren(...shown.childNodes);
  $("large").showModal();
}

function showMark() {
  if (!current()) return;
  const {points, lines, comment} = draft();
  for (const [place, button] of [...$("lines").children].entries()) button.setAttribute("aria-pressed", String(lines.includes(place)));
  if ($("points").value !== points) $("points").value = points;
  if ($("comment").value !== comment) $("comment").value = comment;
  $("points").setAttribute("aria-invalid", String(Number.isNaN(pointsOf(draft(), state.question.most))));
  $("none").setAttribute("aria-pressed", String(pointsOf(draft(), state.question.most) === 0));
  $("take-back").disabled = !current().mark;
  showUnsaved();
}

function showProgress(progress) {
  const {marked, total, flagged, seconds_an_answer: pace, left_seconds: left} = progress;
  Object.assign(state.question, {marked, total, flagged});
  $("bar").max = Math.max(1, total);
  $("bar").value = marked;
  const whose = state.desk.share ? "in your share marked" : "marked";
  const parts = [total ? `${marked} of ${total} ${whose}` : `none ${whose}`];
  if (pace) parts.push(`${number(Math.round(pace * 10) / 10)} s an answer`);
  if (left) parts.push(`${inWords(left)} left`);
  $("pace").textContent = parts.join(" · ");
}

// ---- comments that are offered again

// A comment's last line is what is being typed; choosing an earlier comment replaces that line.
const typed = () => $("comment").value.split("\n").at(-1);

function suggested() {
  const words = typed().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({text: words_of}) => words.every((word) => words_of.toLocaleLowerCase().includes(word));
  return state.comments.filter((one) => one.text !== typed() && fits(one)).slice(0, SUGGESTIONS);
}

function showSuggestions(chosen = -1) {
  const found = document.activeElement === $("comment") ? suggested() : [];
  state.chosen = found.length ? Math.min(chosen, found.length - 1) : -1;
  const options = found.map(({text: words, times}, place) => {
    const option = make("li", {id: `suggestion-${place}`, role: "option", aria: {selected: String(place === state.chosen)}}, make("span", {dir: "auto"}, words), make("span", {className: "quiet"}, times > 1 ? `${times} times` : ""));
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      takeSuggestion(words);
    });
    return option;
  });
  $("suggestions").replaceChildren(...options);
  $("suggestions").hidden = !options.length;
  $("comment").setAttribute("aria-expanded", String(options.length > 0));
  if (state.chosen >= 0) {
    $("comment").setAttribute("aria-activedescendant", `suggestion-${state.chosen}`);
    options[state.chosen].scrollIntoView({block: "nearest"});
  } else $("comment").removeAttribute("aria-activedescendant");
}

function takeSuggestion(words) {
  const lines = $("comment").value.split("\n").slice(0, -1);
  $("comment").value = [...lines, words].join("\n");
  change({comment: $("comment").value});
  showSuggestions();
}

function keepComment(comment) {
  if (!comment) return;
  const known = state.comments.find((one) => one.text === comment);
  if (known) known.times += 1;
  else state.comments.push({text: comment, times: 1});
  state.comments.sort((one, other) => other.times - one.times);
}

function commentKey(event) {
  const count = $("suggestions").children.length;
  if (event.key === "Escape") $("answer").focus({preventScroll: true});
  else if (event.key === "ArrowDown" && count) showSuggestions((state.chosen + 1) % count);
  else if (event.key === "ArrowUp" && count && state.chosen >= 0) showSuggestions(state.chosen - 1);
  else if (event.key === "Enter" && state.chosen >= 0 && !event.ctrlKey && !event.metaKey) takeSuggestion(suggested()[state.chosen].text);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// ---- nearly equal answers

async function openNear() {
  if (!current().near.length) return say("There is no nearly equal answer.");
  const problem = whyNotSaved(draft(), state.question);
  if (problem) return complain(`Mark this answer first. ${problem}`);
  await attempt(async () => {
    const {near} = await whole(current());
    const words = `${near.length} nearly equal ${near.length === 1 ? "answer" : "answers"}`;
    $("near-list").replaceChildren(...near.map(nearlyEqual));
    $("near-title").textContent = `${words}: ${pointsInWords(pointsOf(draft(), state.question.most))} for those you choose`;
    $("near").showModal();
    nearBoxes()[0].focus();
  });
}

function nearlyEqual({id, difference}) {
  const other = state.items.find((one) => one.id === id);
  const box = make("input", {type: "checkbox", value: id, aria: {describedby: `near-${id}`}});
  const students = other ? (other.aliases.length > 1 ? `${other.aliases.length} students` : other.aliases[0]) : "";
  const mark = other?.mark ? `, marked already: ${pointsInWords(other.mark.points)}` : "";
  const label = make("label", {}, box, ` ${students}${mark}`);
  return make("div", {className: "near"}, label, make("div", {id: `near-${id}`, className: "text", dir: "auto"}, rendered(difference)));
}

const nearBoxes = () => [...$("near-list").querySelectorAll("input")];

function chooseAllNear() {
  const isAll = nearBoxes().every((box) => box.checked);
  for (const box of nearBoxes()) box.checked = !isAll;
}

async function applyNear() {
  const others = nearBoxes().filter((box) => box.checked).map((box) => box.value);
  const item = current();
  if (!others.length) return say("No nearly equal answer was chosen.");
  if (isChanged()) await saveThis(show);
  if (!state.drafts.has(key(item))) await giveSame(item, others);
}

async function giveSame(item, others, reason) {
  await whileSaving(async () => {
    try {
      const {items, progress} = await ask("near", {question: state.question.key, item: item.id, others, ...(reason && {reason})});
      for (const one of items) took(one, progress);
    } catch (error) {
      if (error.needs !== "reason") throw error;
      return askForReason(error.message, false, (why) => giveSame(item, others, why));
    }
    say(`Saved at ${clock()}: the same mark for ${others.length === 1 ? "1 other answer" : `${others.length} other answers`}.`, true);
    goOn();
  });
}

// ---- names

async function toggleNames() {
  if (state.names) state.names = null;
  else if (!(await attempt(async () => (state.names = await ask("names"))))) return;
  $("names").setAttribute("aria-pressed", String(state.names !== null));
  if (current()) $("who").replaceChildren(...who(current()));
  else await openView();
  say(state.names ? "Names are shown." : "Names are hidden.");
}

// ---- views

async function openDesk() {
  state.desk = await ask("desk");
  $("to-disagreements").textContent = counted("Disagreements", state.desk.disagreements);
  $("to-conflicts").textContent = counted("Conflicts", state.desk.conflicts);
}

const counted = (words, count) => (count ? `${words} (${count})` : words);

// Opens what the address names. Where another view is asked for meanwhile, that one is shown.
async function openView() {
  const [name, wanted] = decodeURIComponent(location.hash.slice(1)).split("/");
  const turn = (state.turn += 1);
  await attempt(async () => {
    await openDesk();
    const question = state.desk.questions.find((one) => one.key === name);
    const show = question ? await loadedQuestion(question, wanted) : await loadedList(name in VIEWS ? name : "overview");
    if (turn === state.turn) show();
  });
}

async function loadedList(name) {
  const parts = await VIEWS[name]();
  return () => {
    Object.assign(state, {question: null, items: [], at: -1});
    $("view").replaceChildren(...parts);
    $("view").hidden = false;
    $("marking").hidden = true;
    $("progress").hidden = true;
    setPlace(name);
    setTitle({overview: `Marking: ${state.desk.course}`, disagreements: "Disagreements", conflicts: "Conflicts", log: "Regrades"}[name]);
  };
}

function setPlace(name) {
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function setTitle(words) {
  $("title").textContent = words;
  document.title = words;
  $("title").focus();
}

async function loadedQuestion(question, wanted) {
  say("loading …");
  const [{items}, {comments}] = await Promise.all([ask(`question/${question.key}`), ask(`comments/${question.key}`)]);
  return () => openQuestion(question, items, comments, wanted);
}

function openQuestion(question, items, comments, wanted) {
  Object.assign(state, {question, items, comments, at: -1});
  $("view").hidden = true;
  $("marking").hidden = false;
  $("progress").hidden = false;
  setPlace("");
  setTitle(`${question.title} · ${question.bonus ? "bonus " : ""}${pointsInWords(question.most)}`);
  $("question").replaceChildren(rendered(question.question));
  $("model-answer").replaceChildren(rendered(question.model_answer));
  $("most").textContent = `of ${number(question.most)}`;
  $("scaled").hidden = question.scaled_from === null;
  $("scaled").textContent = question.scaled_from === null ? "" : `Scaled: this rubric gives ${pointsInWords(question.scaled_from)}, your course ${number(question.most)}.`;
  $("lines").replaceChildren(...question.lines.map(line));
  $("lines").setAttribute("aria-label", question.mode === "additive" ? "Rubric: lines that add up" : "Rubric: one of these lines");
  $("filter").value = "all";
  $("answered").hidden = !question.model_answer.trim();
  $("answered").firstElementChild.textContent = question.own ? "Rubric" : "Model answer";
  for (const part of $("model").children) part.open = !NARROW.matches && (part.id !== "asked" || $("answered").hidden);
  for (const option of $("filter").options) option.hidden = !state.desk.share && ["twice", "others"].includes(option.value);
  showProgress(question);
  say("");
  const place = items.findIndex((item) => item.id === wanted);
  const open = nextPlace((item) => isMine(item) && !item.mark);
  state.at = place >= 0 ? place : open >= 0 ? open : items.length ? 0 : -1;
  restartWatch();
  show();
  if (items.length && !items.some(isMine)) say("No answers to this question are in your share. These belong to other markers.");
}

function line({points, text: words}, place) {
  const worth = state.question.mode === "additive" && points >= 0 ? `+${number(points)}` : number(points);
  const children = [make("kbd", {}, place < 9 ? String(place + 1) : "·"), make("b", {}, worth), text(words)];
  const button = make("button", {type: "button", className: "line", aria: {pressed: "false"}}, ...children);
  button.addEventListener("click", () => choose(place));
  return button;
}

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((words) => make("th", {scope: "col"}, words)));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, place) => make("td", {dataset: {head: heads[place]}}, ...(cell === "" ? [] : [cell])))));
  return make("div", {className: "scroll", tabIndex: 0, role: "region"}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

const link = (hash, words) => make("a", {href: `#${hash}`}, words);
const titleOf = (name) => state.desk.questions.find((one) => one.key === name)?.title ?? name;

function overview() {
  const {questions, marker, markers, share, counts, notices} = state.desk;
  const rows = questions.map((question, place) => {
    const {marked, total, flagged, students, outside} = question;
    const bar = make("progress", {max: Math.max(1, total), value: marked, aria: {label: `${question.title}: ${marked} of ${total} marked`}});
    return [
      make("kbd", {}, place < 9 ? String(place + 1) : ""),
      link(question.key, question.title),
      `${question.bonus ? "bonus " : ""}${number(question.most)}`,
      make("span", {}, ...(total ? [bar, ` ${marked} of ${total}`] : [outside ? "none in your share" : "no answers"]), outside ? make("span", {className: "quiet"}, `, ${outside} outside it`) : ""),
      `${students}`,
      flagged ? String(flagged) : "",
    ];
  });
  const {marked, total, seconds_an_answer: pace, left_seconds: left} = counts;
  const others = markers.filter((one) => one !== marker);
  const you = make("p", {}, "You are marking as ", make("bdi", {}, marker), share ? `, share ${share}.` : ".");
  if (others.length) you.append(" ", ...joined(others), `${others.length === 1 ? " has" : " have"} also marked so far.`);
  const far = `${marked} of ${total} answers${share ? " in your share" : ""} are marked${pace ? `, ${number(Math.round(pace * 10) / 10)} s each${marked < total ? `; ${inWords(left)} left` : ""}` : ""}.`;
  const told = make("p", {}, `${far} Press a question's number to mark its answers. Equal answers are shown once; an empty answer needs no mark.`);
  const warned = notices.map((sentence) => make("p", {className: "notice"}, sentence));
  return [...warned, you, told, table(["Key", "Question", "Points", "Marked", "Students", "Flagged"], rows)];
}

// Names as a sentence has them: "Ana, Ben and Cy".
const joined = (names) => new Intl.ListFormat("en-GB").formatToParts(names).map(({type, value}) => (type === "element" ? make("bdi", {}, value) : value));

async function disagreements() {
  const {items} = await ask("disagreements");
  if (!items.length) return [make("p", {}, "No disagreements: wherever two people marked an answer, their points agree.")];
  const mark = ({by, points, comment, when: time}) => make("p", {}, make("bdi", {}, by), `: ${pointsInWords(points)}, ${when(time)}`, comment ? make("span", {className: "comment-text", dir: "auto"}, comment) : "");
  const rows = items.map(({question, item, marks}) => [link(`${question}/${item}`, `${titleOf(question)}: open`), make("div", {}, ...marks.map(mark))]);
  return [make("p", {}, "Answers that two people marked differently. Discuss them; marking such an answer again after seeing both marks settles it."), table(["Answer", "Marks"], rows)];
}

async function conflicts() {
  const {items} = await ask("conflicts");
  if (!items.length) return [make("p", {}, "There are no conflicts: the marks given here and those in the files agree.")];
  const side = (mark, who) => make("div", {}, make("p", {}, `${mark.points === null ? "no points" : pointsInWords(mark.points)}${who}`), make("span", {className: "comment-text", dir: "auto"}, mark.comment ?? ""));
  const rows = items.map((item) => {
    const {question, student, file, journal} = item;
    const keep = (which, words) => {
      const button = make("button", {type: "button", aria: {label: `${titleOf(question)}, ${student}: ${words}`}}, words);
      button.addEventListener("click", () => settle(question, student, which));
      return button;
    };
    return [titleOf(question), named(student), side(file, ""), side(journal, journal.by && `, ${journal.by}, ${when(journal.when)}`), make("div", {}, keep("file", "Keep the file's"), " ", keep("journal", "Keep the one given here"))];
  });
  return [make("p", {}, "These answers have one mark in the file (marking/question-N.csv), which somebody edited, and another that was given on this page. Both are kept until you choose."), table(["Question", "Student", "In the file", "Given here", "Decide"], rows)];
}

async function settle(question, student, keep) {
  const done = await attempt(() => ask("conflict", {question, student, keep}));
  if (!done) return;
  await openView();
  say(`Saved at ${clock()}: ${keep === "file" ? "the file's mark" : "the mark given here"} counts.`, true);
}

async function log() {
  const {changes} = await ask("log");
  if (!changes.length) return [make("p", {}, "No mark has been changed since it went into the grades.")];
  const mark = (points) => (points === null ? "no points" : pointsInWords(points));
  const cell = (words) => make("span", {className: "comment-text", dir: "auto"}, words);
  const rows = changes.map((one) => [when(one.when), titleOf(one.question), named(one.student), mark(one.old), `${mark(one.new)}${one.undone ? " (undone)" : ""}`, cell(one.reason), make("bdi", {}, one.by)]);
  return [make("p", {}, "Marks changed after they had entered the grades, oldest first."), table(["When", "Question", "Student", "Old", "New", "Reason", "By"], rows)];
}

// ---- keys and buttons

const goNext = () => move(1);
const goBack = () => move(-1);
const toMark = () => seek((item) => !item.mark && item !== current(), "All other answers to this question are marked.");
const toFlagged = () => seek((item) => item.flag && item !== current(), "No other answer is flagged.");
const toOverview = () => (location.hash = "#overview");
const showKeys = () => $("keys").showModal();

const ANYWHERE = {"?": showKeys, n: toggleNames, o: toOverview, r: saveAll};
const ON_ANSWER = {
  0: chooseNone, p: () => select($("points")), c: () => select($("comment")), Enter: save, j: goNext, ArrowRight: goNext, k: goBack, ArrowLeft: goBack,
  s: skip, f: flag, u: undo, x: takeBack, e: openNear, g: toMark, G: toFlagged, v: enlarge, q: () => $("asked").toggleAttribute("open"),
};

function select(field) {
  field.focus();
  field.select();
}

function act(pressed) {
  if (pressed in ANYWHERE) return ANYWHERE[pressed]();
  const digit = /^[1-9]$/.test(pressed) ? Number(pressed) - 1 : -1;
  if (current()) return digit >= 0 ? choose(digit) : ON_ANSWER[pressed]?.();
  const question = state.question === null && state.desk?.questions[digit];
  if (question && !$("view").hidden && $("to-overview").hasAttribute("aria-current")) location.hash = `#${question.key}`;
}

document.addEventListener("keydown", (event) => {
  const {target} = event;
  const isField = target.matches("input, textarea, select");
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && current() && target !== $("reason")) {
    event.preventDefault();
    return save();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isField) return target === $("points") ? pointsKey(event) : event.key === "Escape" && target.blur();
  if (target.closest("#regrade") && event.key !== "Enter" && event.key !== "Tab") return regradeKey(event);
  if (target.matches("button, a, summary") && (event.key === "Enter" || event.key === " ")) return;
  const isKnown = event.key in ANYWHERE || event.key in ON_ANSWER || /^[1-9]$/.test(event.key);
  const isKept = state.saving && (isKnown || event.key === "Escape" || event.key.length === 1);
  if (!isKnown && !isKept) return;
  event.preventDefault();
  if (isKept) state.keys.push(event.key);
  else act(event.key);
});

function pointsKey(event) {
  if (event.key === "Enter") save();
  else if (event.key === "Escape") $("answer").focus({preventScroll: true});
  else return;
  event.preventDefault();
}

// After a click with the mouse the keys go on from the answer; Enter would press the same button again otherwise.
$("give").addEventListener("click", (event) => {
  if (event.detail > 0 && event.target.closest("button") && $("regrade").hidden) $("answer").focus({preventScroll: true});
});

const PRESSED = {
  none: chooseNone, save, previous: goBack, next: goNext, skip, flag, undo, open: toMark, equal: openNear, "take-back": takeBack,
  names: toggleNames, help: showKeys, retry: saveAll, "near-all": chooseAllNear, "near-close": () => $("near").close(), keep: leaveGrade,
};
for (const [id, work] of Object.entries(PRESSED)) $(id).addEventListener("click", () => state.saving || work());

function leaveGrade() {
  state.regrade.leave();
  $("regrade").hidden = true;
  showMark();
  say("The mark is unchanged.");
  $("answer").focus({preventScroll: true});
}

$("regrade").addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = $("reason").value.trim();
  if (!reason) return complain("Give a reason for the change.");
  $("reason").value = "";
  $("regrade").hidden = true;
  state.regrade.go(reason);
});
$("reason").addEventListener("keydown", (event) => event.key === "Escape" && leaveGrade());
$("near-form").addEventListener("submit", applyNear);
$("near").addEventListener("keydown", (event) => event.key === "a" && chooseAllNear());
$("points").addEventListener("input", () => {
  change({points: $("points").value});
  showMark();
});
$("comment").addEventListener("input", () => {
  change({comment: $("comment").value});
  showSuggestions();
});
$("comment").addEventListener("keydown", commentKey);
$("comment").addEventListener("focus", () => showSuggestions());
$("comment").addEventListener("blur", () => showSuggestions());
$("filter").addEventListener("change", () => {
  const passes = FILTERS[$("filter").value];
  if (current() && !passes(current())) seek(passes, "There is no such answer.");
  $("answer").focus({preventScroll: true});
});
$("address").addEventListener("submit", (event) => {
  event.preventDefault();
  const written = $("new-address").value.trim();
  state.token = URL.canParse(written) ? (new URL(written).searchParams.get("token") ?? "") : written;
  sessionStorage.setItem("token", state.token);
  $("new-address").value = "";
  $("address").hidden = true;
  if (state.drafts.size) saveAll();
  else openView();
});
addEventListener("hashchange", openView);
addEventListener("beforeunload", (event) => {
  if (state.drafts.size || state.saving) event.preventDefault();
});
openView();

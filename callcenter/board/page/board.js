// The wallboard's page. Everything that a plan or a caller wrote is put in as text, never as markup.
// Address: ?lang=zh|en, ?theme=dark|light, ?kiosk (no controls, no pointer; the screen stays on where browsers let a page say
// so: over https, or on localhost).
"use strict";

import { Hours } from "./hours.js";
import { Stream } from "./stream.js";
import { WORDS } from "./words.js";

const ORDER = ["not_ready", "ringing", "hold", "talking", "dialling", "acw", "case_work", "ready"];
const COUNTED = ["ready", "ringing", "talking", "hold", "acw", "dialling", "case_work", "not_ready", "unreachable", "logged_out"];
const AGES = ["ok", "warn", "warn", "alarm", "alarm", "alarm"]; // of each age of waiting callers, as the service judges a wait
const LIVE_FIGURES = ["waiting", "oldest_wait", "ready", "talking"];
const PAGE_MS = 8000;
const DRAW_MS = 200;
const NARROW_ROWS = 20; // of agents on a page, and of waiting callers, where the lists themselves say how high the page is
const LINES_SHARE = 0.66; // of the column that they share with the waiting callers

const asked = new URLSearchParams(location.search);
const kept = (name, known, otherwise) =>
  [asked.get(name), localStorage.getItem(`board-${name}`)].find((one) => known.includes(one)) ?? otherwise;
let lang = kept("lang", ["zh", "en"], navigator.language.startsWith("zh") ? "zh" : "en");
let theme = kept("theme", ["dark", "light"], "dark");
let state = null;
let page = 0; // of whatever has more rows than room; each list counts it by its own number of pages
let trouble = "start"; // why the data is not live; null: it is
const hours = new Hours(document.querySelector("#plot canvas"));

const isNarrow = matchMedia("(max-aspect-ratio: 5/4)"); // then everything stands below each other, whole

const $ = (selector) => document.querySelector(selector);
const words = () => WORDS[lang];
const said = (text, ...values) => values.reduce((whole, value) => whole.replace("{}", value), text);

function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// A sign; `word` says it to those who do not see it, where no text stands beside it.
function icon(name, word) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  if (word) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", word);
  } else svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function lasting(fromMs) {
  const all = Math.max(0, Math.floor((stream.now() - fromMs) / 1000));
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// A clock that runs: `tick` keeps its text.
function running(fromMs, className = "time") {
  const node = el("span", className, lasting(fromMs));
  node.dataset.from = fromMs;
  return node;
}

function clockTime(ms) {
  const zone = state?.service.zone;
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone }).format(ms);
}

// An instant of the past, with its day unless that is today.
function moment(ms) {
  const day = (at) => new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone: state?.service.zone }).format(at);
  return day(ms) === day(stream.now()) ? clockTime(ms) : `${day(ms)} ${clockTime(ms)}`;
}

function badge(level) {
  return el("span", "badge", icon(level), words()[level]);
}

function showFigures() {
  for (const tile of document.querySelectorAll(".figure")) {
    const name = tile.dataset.figure;
    const row = state.figures[name];
    const isLive = LIVE_FIGURES.includes(name);
    const title = el("h3", "", said(words()[name], state.service.level_s), el("small", "", words()[isLive ? "now" : "today"]));
    const value = "from_ms" in row ? (row.from_ms === null ? el("span", "", "0:00") : running(row.from_ms, "")) : el("span", "", row.text);
    value.classList.add("value");
    const unit = name.endsWith("_s") && row.text !== "—" ? [el("span", "unit", words().seconds)] : [];
    const isDoubtful = !(isLive ? state.service.pbx : state.service.ledger); // then it is neither well nor an alarm
    const level = isDoubtful ? "none" : row.level;
    tile.dataset.level = level;
    tile.classList.toggle("doubtful", isDoubtful);
    tile.replaceChildren(title, el("p", "", value, ...unit), ...(level === "none" ? [] : [badge(level)]));
  }
}

function lineRows([code, line]) {
  const waiting = el("td", "", String(line.waiting));
  waiting.dataset.level = line.waiting ? line.level : "none";
  if (line.waiting && line.level !== "ok") waiting.prepend(icon(line.level, words()[line.level]));
  const oldest = el("td", "", line.from_ms === null ? "—" : running(line.from_ms));
  const name = el("td", "name", line[lang === "zh" ? "name" : "name_en"]);
  const row = el("tr", "", name, waiting, oldest, ...["answered", "abandoned", "connect_rate"].map((key) => el("td", "", line[key])));
  row.dataset.line = code;
  if (line.state === "open") return [row];
  const holds = el("td", "holds", el("span", "mark", icon("warn"), words()[line.state], line.to ? ` → ${line.to}` : ""));
  holds.colSpan = row.children.length;
  return [row, el("tr", "", holds)];
}

function showLines() {
  const lines = Object.entries(state.lines).sort(([, a], [, b]) => a.place - b.place).map(lineRows);
  const room = isNarrow.matches ? Infinity : roomForLines();
  const pages = [[]];
  for (const rows of lines) {
    if (pages.at(-1).length && pages.at(-1).length + rows.length > room) pages.push([]);
    pages.at(-1).push(...rows);
  }
  $("#lines tbody").replaceChildren(...pages[page % pages.length]);
  $("#lines-page").textContent = pages.length > 1 ? said(words().page, (page % pages.length) + 1, pages.length) : "";
}

function showCallers() {
  const edges = Object.keys(state.ages).map(Number).sort((a, b) => a - b);
  $("#ages").replaceChildren(...edges.map((edge, place) => {
    const number = state.ages[edge];
    const unit = edge < 60 ? 1 : 60;
    const range = place + 1 < edges.length ? `${edge / unit}–${edges[place + 1] / unit}` : `≥ ${edge / unit}`;
    const name = said(words()[unit === 1 ? "age_s" : "age_min"], range);
    const level = AGES[place];
    const item = el("li", "", el("strong", "", ...(number && level !== "ok" ? [icon(level, words()[level])] : []), String(number)), el("span", "", name));
    item.dataset.level = number ? level : "none";
    return item;
  }));
  const callers = Object.values(state.callers).sort((a, b) => a.from_ms - b.from_ms).slice(0, fitting($("#oldest")));
  const rows = callers.map((one) => {
    const line = state.lines[one.line];
    return el("li", "",
      running(one.from_ms),
      el("span", "number", one.number || words().withheld),
      el("span", "of", line ? line[lang === "zh" ? "name" : "name_en"] : one.line),
      el("span", "rings", ...(one.rings ? [icon("ringing"), words().rings] : [])));
  });
  const nobody = state.service.pbx ? el("li", "nobody", icon("ok"), words().nobody) : el("li", "", "—");
  $("#oldest").replaceChildren(...(rows.length ? rows : [nobody]));
}

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const rowOf = (node) => parseFloat(getComputedStyle(node).getPropertyValue("--row")) * rem();

// How many rows a list has room for: half a row is not shown. A narrow page gives a list as much room as it has rows.
function fitting(list) {
  if (isNarrow.matches) return NARROW_ROWS;
  return Math.max(1, Math.floor(list.clientHeight / rowOf(list)));
}

// How many rows of lines leave the waiting callers below them their place: so much of the column, and at least one caller's row.
function roomForLines() {
  const panel = $("#lines");
  const column = panel.parentElement;
  const head = panel.offsetHeight - $("#lines tbody").offsetHeight;
  const below = parseFloat(getComputedStyle($("#callers")).minHeight) + parseFloat(getComputedStyle(column).rowGap);
  const room = Math.min(LINES_SHARE * column.clientHeight, column.clientHeight - below);
  return Math.max(1, Math.floor((room - head) / rowOf(panel)));
}

function showAgents() {
  $("#states").replaceChildren(...COUNTED.filter((name) => state.states[name]).map((name) => {
    const item = el("li", "", icon(name), el("strong", "", String(state.states[name])), words().state[name]);
    item.dataset.state = name;
    return item;
  }));
  const people = Object.entries(state.agents).sort(([a, one], [b, other]) =>
    ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || one.since_ms - other.since_ms || (a < b ? -1 : 1));
  const list = $("#people");
  const fit = fitting(list);
  const pages = Math.max(1, Math.ceil(people.length / fit));
  const place = page % pages;
  const first = Math.min(place * fit, Math.max(0, people.length - fit)); // the last page is full too
  const here = people.slice(first, first + fit);
  list.replaceChildren(...here.map(([number, one]) => {
    const name = one.reachable ? one.state : "unreachable";
    const parts = [words().state[name]]; // the sign says it too
    if (one.reachable && one.reason) parts.splice(0, 1, words().reason[one.reason] ?? one.reason, `\u00a0· ${parts[0]}`);
    const row = el("li", "", icon(name), el("span", "who", one.name, " ", el("small", "", number)),
      el("span", "what", ...parts.map((part) => el("span", "", part))), running(one.since_ms));
    row.dataset.agent = number;
    row.dataset.state = name;
    return row;
  }));
  const shown = Object.keys(state.agents).length;
  const there = COUNTED.filter((name) => !["unreachable", "logged_out"].includes(name)).reduce((sum, name) => sum + state.states[name], 0);
  const notes = [];
  if (pages > 1) notes.push(said(words().page, place + 1, pages));
  if (there > shown) notes.push(said(words().more, there - shown));
  $("#page").textContent = notes.join(" · ");
}

function showTrust() {
  const notes = [];
  if (trouble) {
    const since = stream.heardAt === null ? null : moment(stream.heardAt + stream.behindMs);
    if (trouble === "full_up") notes.push(words().full_up);
    else notes.push(since === null ? words().never : said(words().stale, since));
  } else if (state) {
    const { stands_by, leader, pbx, ledger } = state.service;
    if (stands_by) notes.push(words().stands_by);
    else if (!leader) notes.push(words().no_leader);
    else if (!pbx) notes.push(words().no_pbx);
    if (!ledger && !stands_by) notes.push(words().no_ledger);
  }
  const live = trouble ? (stream.heardAt === null ? "connecting" : "stale") : "live";
  document.body.dataset.live = live;
  $("#live-text").textContent = words()[live === "live" ? "live" : "connecting"];
  $("#stale-text").textContent = notes.join("　");
  if ($("#stale").hidden === Boolean(notes.length)) {
    $("#stale").hidden = !notes.length;
    if (state) { showLines(); showCallers(); showAgents(); } // there is room for other numbers of rows now
  }
}

// What is drawn of which sections; only what changed is drawn anew, and not more often than DRAW_MS: a small computer behind a
// large screen has other things to do.
const PARTS = [
  [["figures", "service"], showFigures],
  [["lines"], showLines],
  [["callers", "ages", "lines", "service"], showCallers],
  [["agents", "states"], showAgents],
  [["hours"], () => hours.show(state.hours, words())],
];
let drawn = {};
let drawing = null;

function draw() {
  drawing = null;
  for (const [sections, show] of PARTS) {
    if (sections.some((name) => state[name] !== drawn[name])) show();
  }
  $("#day").textContent = state.service.day;
  drawn = state;
  showTrust();
  tick();
}

function showAll() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = theme;
  for (const node of document.querySelectorAll("[data-words]")) node.textContent = words()[node.dataset.words];
  drawn = {};
  showTrust();
  if (state) draw();
}

function tick() {
  $("#time").textContent = state ? clockTime(stream.now()) : "";
  if (trouble) return; // clocks that nobody confirms stand still
  for (const node of document.querySelectorAll("[data-from]")) node.textContent = lasting(Number(node.dataset.from));
}

function change(name, value) {
  localStorage.setItem(`board-${name}`, value);
  showAll();
}

const stream = new Stream(
  (fresh) => {
    if (fresh !== state) drawing ??= setTimeout(draw, state ? DRAW_MS : 0);
    state = fresh;
  },
  (isLive, why) => {
    const now = isLive ? null : why;
    if (now === trouble) return;
    trouble = now;
    showTrust();
  },
);

$("#lang").addEventListener("click", () => change("lang", (lang = lang === "zh" ? "en" : "zh")));
$("#theme").addEventListener("click", () => change("theme", (theme = theme === "dark" ? "light" : "dark")));
$("#full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()));
addEventListener("resize", () => state && showAll());
setInterval(tick, 250);
setInterval(() => { page += 1; showTrust(); if (state) { showLines(); showCallers(); showAgents(); } }, PAGE_MS);
if (asked.has("kiosk")) {
  document.body.classList.add("kiosk");
  const stayOn = () => navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && stayOn());
  stayOn();
}
showAll();

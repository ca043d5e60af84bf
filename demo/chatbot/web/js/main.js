// The conversation: what is typed, what is answered.
import { createCommands } from "./commands.js";
import { NoToken, createTokens } from "./token.js";

const $ = (id) => document.getElementById(id);
const config = await (await fetch("/config.json")).json();
const tokens = createTokens(config.page, () => ($("who").textContent = "Not signed in"));
const run = createCommands(callOwnTasks);

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const line = $("text").value.trim();
  $("text").value = "";
  if (line) void converse(line);
});
for (const chip of document.querySelectorAll("[data-say]")) {
  chip.addEventListener("click", () => void converse(chip.dataset.say));
}
addEventListener("resize", scrollToEnd);
await greet();
$("text").focus();

async function greet() {
  try {
    const { name } = await whoIsHere();
    put({ text: `Hello ${name}. I keep your list too, from an origin of my own. Say “list”, or “help”.` });
  } catch (error) {
    putTrouble(error);
  }
}

async function converse(line) {
  put({ text: line }, "turn--mine");
  try {
    put(await run(line));
  } catch (error) {
    putTrouble(error);
  }
}

async function whoIsHere() {
  const { user } = await tokens.get();
  $("who").textContent = user.name;
  return user;
}

async function callOwnTasks(method, path, body) {
  const { id } = await whoIsHere();
  const url = `${config.api}/api/user/${encodeURIComponent(id)}/tasks${path}`;
  let response = await send(url, method, body, await tokens.get());
  if (response.status === 401) response = await send(url, method, body, await tokens.get({ refused: true }));
  if (!response.ok) throw new Error(`The API answered ${response.status}.`);
  return response.status === 204 ? null : response.json();
}

function send(url, method, body, { token }) {
  const headers = { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) };
  return fetch(url, { method, headers, body: body && JSON.stringify(body) });
}

function put({ text, tasks = [], help = [] }, kind = "turn--theirs") {
  const turn = element("li", `turn ${kind}`);
  turn.append(element("p", "", text));
  if (tasks.length) turn.append(taskList(tasks));
  if (help.length) turn.append(helpList(help));
  $("log").append(turn);
  scrollToEnd();
}

function putTrouble(error) {
  put({ text: error.message }, "turn--trouble");
  if (error instanceof NoToken) $("log").lastElementChild.append(pageLink());
}

function scrollToEnd() {
  $("log").scrollTop = $("log").scrollHeight;
}

function taskList(tasks) {
  const list = element("ol");
  list.append(...tasks.map(({ title, done }) => element("li", done ? "done" : "", title)));
  return list;
}

function helpList(help) {
  const list = element("dl");
  list.append(...help.flatMap(([word, meaning]) => [element("dt", "", word), element("dd", "", meaning)]));
  return list;
}

function pageLink() {
  return Object.assign(element("a", "", "Go to the to-do page"), { href: config.page });
}

function element(name, className = "", text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

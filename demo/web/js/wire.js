// The panel that shows what just went over the wire.
import { decode } from "./jwt.js";

const KEPT = 8;
const SHOWN_HEADERS = ["content-type", "www-authenticate", "x-request-id", "retry-after"];
const $ = (id) => document.getElementById(id);

/** Give the panel's `show(exchange)`, `clock(held)` and `clear()`. */
export function createWire() {
  let exchanges = [];
  let selected = null;
  let held = null;

  setInterval(() => ($("token-clock").textContent = clockText(held)), 1000);

  function select(exchange) {
    selected = exchange;
    drawHistory();
    drawExchange(exchange);
  }

  function drawHistory() {
    $("history").replaceChildren(...exchanges.map((exchange) => historyItem(exchange)));
  }

  function historyItem(exchange) {
    const button = element("button", { type: "button" });
    button.append(
      element("span", {}, exchange.title),
      statusOf(exchange.answer),
      element("small", {}, `${exchange.request.method} ${shortPath(exchange.request.path)}`),
    );
    if (exchange === selected) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => {
      select(exchange);
      $("history").querySelector("[aria-current]").focus();
    });
    const item = element("li");
    item.append(button);
    return item;
  }

  return {
    show(exchange) {
      exchanges = [exchange, ...exchanges].slice(0, KEPT);
      select(exchange);
      const { status, reason, body } = exchange.answer;
      const detail = typeof body?.detail === "string" ? `: ${body.detail}` : "";
      $("wire-status").textContent = `${exchange.title}: ${status || ""} ${reason}${detail}`;
    },
    clock(current) {
      held = current;
      $("token-clock").textContent = clockText(held);
    },
    clear() {
      exchanges = [];
      selected = null;
      $("history").replaceChildren();
    },
  };
}

function drawExchange({ note, token, changed, request, answer }) {
  $("exchange-note").textContent = note ?? "";
  drawAnswer(answer);
  drawRequest(request, token);
  drawToken(token, changed ?? []);
}

function drawAnswer({ status, reason, headers, body, took }) {
  const line = [statusOf({ status }), " ", element("b", {}, reason)];
  if (took) line.push(element("span", { className: "token__cut" }, `  ${Math.round(took)} ms`));
  $("answer-line").replaceChildren(...line);
  const shown = SHOWN_HEADERS.filter((name) => name in headers).map((n) => [n, headers[n]]);
  $("answer-headers").replaceChildren(...definitions(shown));
  $("answer-body").replaceChildren(...(body === null ? [] : json(body)));
}

function drawRequest({ method, url, headers, body }, token) {
  const { origin, pathname } = new URL(url);
  const soft = element("span", { className: "token__cut" }, origin);
  $("request-line").replaceChildren(element("b", {}, method), " ", soft, pathname);
  const shown = { Origin: location.origin, ...headers };
  if (token) shown.Authorization = `Bearer ${token.slice(0, 12)}…`;
  $("request-headers").replaceChildren(...definitions(Object.entries(shown)));
  $("request-body").replaceChildren(...(body ? json(body) : []));
}

function drawToken(token, changed) {
  if (!token) {
    $("token-text").replaceChildren(element("span", { className: "token__cut" }, "none was sent"));
    $("token-header").replaceChildren();
    $("token-claims").replaceChildren();
    return;
  }
  const { header, claims, signature } = decode(token);
  $("token-text").replaceChildren(
    element("span", { className: "token__header" }, `${token.slice(0, 14)}…`),
    ".",
    element("span", { className: "token__claims" }, `${token.split(".")[1].slice(0, 14)}…`),
    ".",
    element("span", { className: "token__cut" }, `${signature.slice(0, 6)}… (signature cut)`),
  );
  $("token-header").replaceChildren(...json(header));
  $("token-claims").replaceChildren(...json(claims, changed));
}

/** Cut the long user id in a path. */
function shortPath(path) {
  return path.replace(/(?<=\/user\/)([^/]{4})[^/]{4,}/, "$1…");
}

function statusOf({ status }) {
  const kind = status >= 500 || !status ? "bad" : status >= 400 ? "warn" : "good";
  return element("span", { className: `status status--${kind}` }, status || "failed");
}

function definitions(pairs) {
  return pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
}

/** Give the value as coloured JSON; the claims named in `changed` are marked. */
function json(value, changed = []) {
  return JSON.stringify(value, null, 2)
    .split("\n")
    .flatMap((line) => [...jsonLine(line, changed), "\n"])
    .slice(0, -1);
}

function jsonLine(line, changed) {
  const [, indent, key = "", rest, comma] = line.match(/^(\s*)("(?:[^"\\]|\\.)*": )?(.*?)(,?)$/);
  const name = key.slice(1, -3);
  const kind = rest.startsWith('"') ? "text" : /^[-\d]|^(?:true|false|null)/.test(rest) ? "number" : "";
  const marked = changed.includes(name) ? " changed" : "";
  const hint = isTime(name, rest) ? element("span", { className: "token__cut" }, `  ${clockTime(rest)}`) : "";
  const value = element("span", { className: kind + marked }, rest);
  return [indent, element("span", { className: "key" }, key), value, comma, hint];
}

function isTime(name, rest) {
  return (name === "exp" || name === "iat") && /^\d+$/.test(rest);
}

function clockTime(seconds) {
  return new Date(parseInt(seconds, 10) * 1000).toLocaleTimeString();
}

function clockText(held) {
  if (!held) return "no token";
  return `token: ${minutes(held.expiresAt)} left, renewed in ${minutes(held.renewAt)}`;
}

function minutes(time) {
  const seconds = Math.max(0, Math.round((time - Date.now()) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function element(name, properties = {}, text) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  return made;
}

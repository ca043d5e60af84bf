// Calls to the back end, which is on another origin; each one is shown on the wire.

/** The back end refused or failed; `status` is 0 when it could not be reached at all. */
export class CallFailed extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/**
 * @param {string} origin of the back end
 * @param {ReturnType<import("./session.js").createSession>} session
 * @param {(exchange: object) => void} show gets every exchange, good or bad
 */
export function createApi(origin, session, show) {
  /** Call as the signed-in person; a 401 gets one renewal, then it is back to the sign-in. */
  async function call(title, method, path, body) {
    let exchange = await send({ title, method, path, body, token: await session.token() });
    if (exchange.answer.status === 401) {
      await session.renew();
      const token = session.current?.token;
      if (token) exchange = await send({ title: `${title} (new token)`, method, path, body, token });
      if (exchange.answer.status === 401) session.drop();
    }
    return unwrap(exchange);
  }

  /** Send one request with whatever token is given, and show what came of it. */
  async function send({ title, note, method = "GET", path, body, token, changed }) {
    const headers = {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/json" }),
    };
    const request = { method, url: origin + path, path, headers, body };
    const exchange = { title, note, changed, token, request, answer: await answerTo(request) };
    show(exchange);
    return exchange;
  }

  return { call, send };
}

async function answerTo({ method, url, headers, body }) {
  const started = performance.now();
  try {
    const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return {
      status: response.status,
      reason: response.statusText,
      headers: Object.fromEntries(response.headers),
      body: parseJson(text),
      took: performance.now() - started,
    };
  } catch {
    return { status: 0, reason: "no answer that this page may read", headers: {}, body: null };
  }
}

function unwrap({ answer }) {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  const detail = typeof answer.body?.detail === "string" ? answer.body.detail : answer.reason;
  throw new CallFailed(answer.status, detail);
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text || null;
  }
}

// The sign-in and its token. The token lives in this module's memory: no storage, no cookie of ours.
import { decode } from "./jwt.js";

const RENEW_BEFORE = 60_000;
// A token that lives little more than a minute is not renewed the moment it comes.
const MOST = 0.85;
const TRY_AGAIN_AFTER = 10_000;

/** Better Auth refused; `message` is what it says. */
export class SignInRefused extends Error {}

/** Keep a token while somebody is signed in. `onChange` runs when it comes, is renewed or goes. */
export function createSession(onChange) {
  let held = null;
  let renewing = null;
  let timer;

  const session = {
    /** The token in hand: `{ token, user, expiresAt, renewAt }` in milliseconds, or null. */
    get current() {
      return held;
    },

    signUp: (person) => enter("/api/auth/sign-up/email", person),
    signIn: ({ email, password }) => enter("/api/auth/sign-in/email", { email, password }),

    async signOut() {
      const response = await post("/api/auth/sign-out", {});
      if (!response.ok) throw new Error(`Better Auth answered ${response.status}`);
      hold(null);
    },

    /** Forget the token: what the back end refuses twice is of no use. */
    drop: () => hold(null),

    /** Give a token that is good for a while yet, or null when nobody is signed in. */
    async token() {
      if (held && Date.now() >= held.renewAt) await session.renew();
      return held?.token ?? null;
    },

    /** Get a new token for the session's cookie; several callers at once share one request. */
    renew() {
      renewing ??= fetchToken().finally(() => (renewing = null));
      return renewing;
    },
  };

  // A browser slows the timers of a page in the background: look again when the page comes back.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void session.token();
  });

  async function enter(path, body) {
    const response = await post(path, body);
    if (!response.ok) throw new SignInRefused(await reason(response));
    await session.renew();
  }

  async function fetchToken() {
    const response = await fetch("/api/auth/token").catch(() => null);
    if (response?.ok) return hold((await response.json()).token);
    if (response?.status === 401) return hold(null);
    retryLater();
  }

  function hold(token) {
    clearTimeout(timer);
    held = token && withTimes(token);
    if (held) timer = setTimeout(() => session.renew(), held.renewAt - Date.now());
    onChange(held);
  }

  function retryLater() {
    if (held && Date.now() >= held.expiresAt) return hold(null);
    clearTimeout(timer);
    if (held) timer = setTimeout(() => session.renew(), TRY_AGAIN_AFTER);
  }

  return session;
}

/** Count the lifetime from now, by the token's own clock: the two machines' clocks may differ. */
function withTimes(token) {
  const { claims } = decode(token);
  const lifetime = (claims.exp - claims.iat) * 1000;
  const expiresAt = Date.now() + lifetime;
  return {
    token,
    user: { id: claims.sub, name: claims.name },
    expiresAt,
    renewAt: expiresAt - Math.min(RENEW_BEFORE, lifetime * MOST),
  };
}

function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function reason(response) {
  const { message } = await response.json().catch(() => ({}));
  return message ?? `Sign-in failed: Better Auth answered ${response.status}.`;
}

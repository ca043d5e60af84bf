// The token comes from the to-do page that opened this window, and from no one else.

const RENEW_BEFORE = 60_000;
// A token that lives little more than a minute is not renewed the moment it comes.
const MOST = 0.85;
const PATIENCE = 4_000;

/** Nobody can give a token: the to-do page is gone, or nobody is signed in there. */
export class NoToken extends Error {}

/**
 * @param {string} pageOrigin of the to-do page: the only one asked and the only one believed
 * @param {() => void} onSignedOut runs when the page says that the person has gone
 */
export function createTokens(pageOrigin, onSignedOut) {
  let held = null;
  let waiting = null;

  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== pageOrigin || source !== window.opener) return;
    if (data?.type === "token") waiting?.resolve((held = withTimes(data.token)));
    if (data?.type === "signed-out") {
      held = null;
      waiting?.reject(new NoToken("Nobody is signed in on the to-do page."));
      onSignedOut();
    }
  });

  function ask() {
    if (!window.opener) {
      throw new NoToken("I get my token from the to-do page: please open me from there.");
    }
    return new Promise((resolve, reject) => {
      const silence = () => reject(new NoToken("The to-do page does not answer: open me from it again."));
      waiting = { resolve, reject };
      setTimeout(silence, PATIENCE);
      window.opener.postMessage({ type: "token-request" }, pageOrigin);
    });
  }

  return {
    /** Give `{ token, user }`, a new one when the old is nearly over or was refused. */
    async get({ refused = false } = {}) {
      if (refused || !held || Date.now() >= held.renewAt) await ask();
      return held;
    },
  };
}

function withTimes(token) {
  const claims = readClaims(token);
  const lifetime = claims.exp * 1000 - Date.now();
  return {
    token,
    user: { id: claims.sub, name: claims.name },
    renewAt: Date.now() + lifetime - Math.min(RENEW_BEFORE, lifetime * MOST),
  };
}

function readClaims(token) {
  const binary = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
}

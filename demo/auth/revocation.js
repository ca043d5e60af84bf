import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

// Seconds between attempts: under five minutes in all, since the API takes no older message.
const PAUSES = [1, 2, 4, 8, 16, 32, 64, 120];

// Tells the API that tokens are to be refused from now on: those of a "user" or of a "session".
// When the API is away the sign-out does not wait for it: it is told in the background.
async function revoke(subject, id) {
  const body = JSON.stringify({ subject, id, at: Date.now() });
  try {
    await send(body);
  } catch (error) {
    console.error(`a revocation is not delivered yet, trying again: ${error.message}`);
    sendLater(body);
  }
}

async function sendLater(body) {
  let last;
  for (const seconds of PAUSES) {
    await pause(seconds * 1000, undefined, { ref: false });
    try {
      return await send(body);
    } catch (error) {
      last = error;
    }
  }
  console.error(`a revocation was NOT delivered: ${last.message}`);
}

async function send(body) {
  const { API_URL, BETTER_AUTH_REVOCATION_SECRET } = process.env;
  const answer = await fetch(`${API_URL}/betterguard/revocations`, {
    method: "POST",
    headers: {
      "x-betterguard-signature": createHmac("sha256", BETTER_AUTH_REVOCATION_SECRET)
        .update(body)
        .digest("hex"),
    },
    body,
    signal: AbortSignal.timeout(3000),
  });
  if (!answer.ok) throw new Error(`the API answered a revocation with ${answer.status}`);
}

export const databaseHooks = {
  session: { delete: { after: (session) => revoke("user", session.userId) } },
  user: {
    update: { after: (user) => (user.banned ? revoke("user", user.id) : undefined) },
    delete: { after: (user) => revoke("user", user.id) },
  },
};

// Where tokens name their session (jwt({ jwt: { definePayload } })), signing out on one device
// does not touch the others.
export const definePayload = ({ user, session }) => ({ ...user, sid: session.id });

export const hooksByDevice = {
  ...databaseHooks,
  session: { delete: { after: (session) => revoke("session", session.id) } },
};

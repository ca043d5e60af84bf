import { createHmac } from "node:crypto";

// Tells the API that tokens are to be refused from now on: those of a "user" or of a "session".
async function revoke(subject, id) {
  const { API_URL, BETTER_AUTH_REVOCATION_SECRET } = process.env;
  const body = JSON.stringify({ subject, id, at: Date.now() });
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

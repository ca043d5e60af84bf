// The five calls that must not succeed, each made for real.
import { tamper } from "./jwt.js";

/** Give the attempts by name; each sends one request. */
export function createAttempts(api, session) {
  const own = () => `/api/user/${session.current.user.id}/tasks`;

  return {
    missing: () =>
      api.send({
        title: "Missing token",
        note: "No Authorization header at all. The challenge is a bare “Bearer”: nothing was wrong with a token, there was none.",
        path: own(),
      }),

    expired: async () =>
      api.send({
        title: "Expired token",
        note: "Better Auth signed this one with the same key, so the signature holds. Its exp has passed.",
        path: own(),
        token: await expiredToken(),
        changed: ["exp"],
      }),

    tampered: async () => {
      const sub = otherId(session.current.user.id);
      return api.send({
        title: "Tampered token",
        note: "The claims now name another person, but the signature was made for the old ones.",
        path: `/api/user/${sub}/tasks`,
        token: tamper(await session.token(), { sub, id: sub }),
        changed: ["sub", "id"],
      });
    },

    "other-path": async () =>
      api.send({
        title: "Another user's path",
        note: "Your own good token, with a path that names someone else. You are known, so it is 403 and not 401.",
        path: `/api/user/${otherId(session.current.user.id)}/tasks`,
        token: await session.token(),
      }),

    fault: async () =>
      api.send({
        title: "A route that raises",
        note: "The route raises an exception. The page can read the 500, since it has CORS headers too; the cause is in the server’s log, under the request id.",
        path: "/api/fault",
        token: await session.token(),
      }),
  };
}

async function expiredToken() {
  const response = await fetch("/demo/expired-token", { method: "POST" });
  if (!response.ok) throw new Error(`the sign-in server answered ${response.status}`);
  return (await response.json()).token;
}

/** Give an id of the same shape that is not the person's own. */
function otherId(id) {
  return id.slice(0, -1) + (id.endsWith("A") ? "B" : "A");
}

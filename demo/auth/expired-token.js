// For the demo's "expired token" button only: a token that Better Auth signed for the person who
// asks, like any other but for its times. It is over from the start, so it opens nothing.
import { fromNodeHeaders } from "better-auth/node";

const LIFETIME = 900;
const OVER_SINCE = 60;

/** Answer `POST /demo/expired-token` with `{ token }`, or 401 when nobody is signed in. */
export async function answerExpiredToken(auth, request, response) {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (!session) return sendJson(response, 401, { message: "Unauthorized" });
  const exp = Math.floor(Date.now() / 1000) - OVER_SINCE;
  const payload = { ...session.user, sub: session.user.id, iat: exp - LIFETIME, exp };
  sendJson(response, 200, await auth.api.signJWT({ body: { payload } }));
}

function sendJson(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

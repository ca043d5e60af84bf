// One origin for the to-do page and for /api/auth, as in a Next.js application.
import { fileURLToPath } from "node:url";
import { toNodeHandler } from "better-auth/node";
import { createAuth, migrate } from "./auth.js";
import { answerExpiredToken } from "./expired-token.js";
import { pages } from "./pages.js";
import { serve } from "./serve.js";
import { environment } from "./environment.js";

const settings = {
  baseURL: environment("BETTER_AUTH_URL"),
  secret: environment("BETTER_AUTH_SECRET"),
  databaseURL: environment("DATABASE_URL"),
  tokenLifetime: environment("TOKEN_LIFETIME"),
};
// Read by the hooks of revocation.js: a missing one is to stop the start, not a sign-out.
for (const name of ["API_URL", "BETTER_AUTH_REVOCATION_SECRET"]) environment(name);
const { auth, options, pool } = createAuth(settings);
const created = await migrate(options);
console.log(created.length ? `created tables: ${created.join(", ")}` : "tables are up to date");

const answerAuth = toNodeHandler(auth);
const answerPage = pages(fileURLToPath(new URL("../web", import.meta.url)), {
  api: environment("API_URL"),
  chatbot: environment("CHATBOT_URL"),
});

function answer(request, response) {
  const { pathname } = new URL(request.url, settings.baseURL);
  // Nothing stands before this server, so what a client says of its address is not believed;
  // the rate limit then counts for each address.
  request.headers["x-forwarded-for"] = request.socket.remoteAddress;
  if (pathname.startsWith("/api/auth/")) return answerAuth(request, response);
  if (pathname === "/demo/expired-token" && request.method === "POST") {
    return answerExpiredToken(auth, request, response);
  }
  return answerPage(request, response);
}

serve(settings.baseURL, answer, () => pool.end());

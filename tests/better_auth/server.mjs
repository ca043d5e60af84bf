// A real Better Auth server for the tests, on loopback, made by environment variables.
//
//   PORT                  0 or unset: a free one; "ready <address>" on stdout tells it
//   DATABASE              path of the SQLite file, or the address of a PostgreSQL database
//   PACKAGE               "better-auth", or an older release by its alias in package.json
//   BETTER_AUTH_SECRET    read by Better Auth itself
//   and the options that options.mjs reads
//
// With --wait it loads, then takes the variables but PACKAGE as one line of JSON from stdin, and
// lives as long as stdin is open: a test's process cannot leave it behind.
//
// Beside /api/auth it has what only a test needs: GET /healthz;
// GET /test/verification-token?email=…  the token that the user's e-mail would carry;
// POST /test/sign  {claims}             Better Auth's own signJWT with claims that the test chooses;
// POST /test/environment  {variables}   what is known only after the start, such as API_URL.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { SqliteDialect } from "kysely";
import Database from "libsql";
import pg from "pg";
import { authOptions, jwtOptions, withJwtPlugin } from "./options.mjs";

const { PACKAGE: library = "better-auth" } = process.env;
const { betterAuth } = await import(library);
const { toNodeHandler } = await import(`${library}/node`);
const { jwt } = await import(`${library}/plugins/jwt`);
const { admin } = await import(`${library}/plugins/admin`);

// Moved to a path of its own in 1.6.
const { getMigrations } = await import(`${library}/db/migration`).catch(
  () => import(`${library}/db`),
);

const stop = () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
};

const server = createServer();
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

if (process.argv.includes("--wait")) {
  const lines = createInterface({ input: process.stdin });
  // Before the options nothing listens yet, so there is nothing to close.
  lines.on("close", () => (server.listening ? stop() : process.exit(0)));
  const line = await new Promise((resolve) => lines.once("line", resolve));
  Object.assign(process.env, JSON.parse(line));
}
const { PORT = "0", DATABASE } = process.env;

const verificationTokens = new Map();

// libsql's handle has a `.db` that Better Auth's own detection takes for something else.
const sqlite = () => ({
  dialect: new SqliteDialect({ database: new Database(DATABASE) }),
  type: "sqlite",
});
const database = DATABASE.startsWith("postgresql://")
  ? new pg.Pool({ connectionString: DATABASE })
  : sqlite();

const start = async (url) => {
  const options = authOptions({
    url,
    database,
    plugins: [
      ...(withJwtPlugin() ? [jwt(jwtOptions())] : []),
      ...(process.env.ADMIN === "1" ? [admin()] : []),
    ],
    sendVerificationEmail: async ({ user, token }) => {
      verificationTokens.set(user.email, token);
    },
  });
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  const auth = betterAuth(options);
  // Built lazily otherwise: a fault in the options would show at the first request only.
  await auth.$context;
  return auth;
};

const body = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
};

const answer = (response, status, value) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
};

const testRoutes = (auth) => ({
  "/healthz": async (_request, response) => answer(response, 200, {}),
  "/test/verification-token": async (_request, response, url) =>
    answer(response, 200, { token: verificationTokens.get(url.searchParams.get("email")) }),
  "/test/sign": async (request, response) =>
    answer(response, 200, await auth.api.signJWT({ body: { payload: await body(request) } })),
  "/test/environment": async (request, response) =>
    answer(response, 200, Object.assign(process.env, await body(request)) && {}),
});

server.listen(Number(PORT), "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const auth = await start(url);
  const betterAuthHandler = toNodeHandler(auth);
  const routes = testRoutes(auth);
  server.on("request", (request, response) => {
    const asked = new URL(request.url, url);
    if (asked.pathname.startsWith("/api/auth/")) return betterAuthHandler(request, response);
    const route = routes[asked.pathname];
    if (!route) return answer(response, 404, {});
    return route(request, response, asked).catch((error) => {
      console.error(error);
      answer(response, 500, { error: String(error) });
    });
  });
  console.log(`ready ${url}`);
});

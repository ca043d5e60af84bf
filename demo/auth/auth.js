// Better Auth as an application would set it up: e-mail and password, tokens by the jwt plugin.
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { jwt } from "better-auth/plugins";
import pg from "pg";
import { definePayload, hooksByDevice } from "./revocation.js";

// Milliseconds. A database that is cut off says nothing: without these a sign-in waits until the
// system gives the connection up, which takes a quarter of an hour.
const LIMITS = { connectionTimeoutMillis: 3000, query_timeout: 5000 };

/**
 * @param {{ baseURL: string, secret: string, databaseURL: string, tokenLifetime: string }} settings
 */
export function createAuth({ baseURL, secret, databaseURL, tokenLifetime }) {
  const pool = new pg.Pool({ connectionString: databaseURL, ...LIMITS });
  // A connection that PostgreSQL closes must not end the process: the pool hears of those that are
  // idle, and nobody of those that are in use.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", (error) => console.error(`database connection lost: ${error.message}`));
  });
  const options = {
    baseURL,
    secret,
    database: pool,
    telemetry: { enabled: false },
    emailAndPassword: { enabled: true },
    // EdDSA, an issuer and audience of `baseURL`'s origin: the plugin's own defaults. The token
    // names its session, and the hooks tell the back end when that ends.
    plugins: [jwt({ jwt: { expirationTime: tokenLifetime, definePayload } })],
    databaseHooks: hooksByDevice,
    rateLimit: {
      enabled: true,
      window: 10,
      max: 200,
      // Sign-in is limited to 3 in 10 seconds by default: too few for two people at one address.
      customRules: {
        "/sign-in/*": { window: 10, max: 20 },
        "/sign-up/*": { window: 10, max: 20 },
        // The window ends with a second of silence, and not before: the cluster's people renew often.
        "/token": { window: 1, max: 100 },
      },
    },
    // Cookies know no ports: with a prefix, another Better Auth app on this host keeps its own.
    advanced: { cookiePrefix: "betterguard-demo" },
  };
  return { auth: betterAuth(options), options, pool };
}

/** Create Better Auth's tables, or bring them up to date. */
export async function migrate(options) {
  const { runMigrations, toBeCreated } = await getMigrations(options);
  await runMigrations();
  return toBeCreated.map(({ table }) => table);
}

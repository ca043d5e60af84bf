// Better Auth: signs people in, and issues the tokens that the back end verifies.
import { betterAuth } from "better-auth";
import { nextCookies } from "better-auth/next-js";
import { jwt } from "better-auth/plugins";
import { Pool } from "pg";

// BETTER_AUTH_URL and BETTER_AUTH_SECRET are read from the environment.
export const auth = betterAuth({
  database: new Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: true },
  plugins: [
    jwt(), // GET /api/auth/token and /api/auth/jwks: EdDSA, 15 minutes
    nextCookies(), // last in the list
  ],
});

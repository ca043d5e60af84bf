// Better Auth's options, made from environment variables: one variable an option.
import { SignJWT } from "jose";
import { databaseHooks, definePayload, hooksByDevice } from "../../demo/auth/revocation.js";

const text = (name) => process.env[name] || undefined;
const list = (name) => text(name)?.split(",");
const number = (name) => (text(name) === undefined ? undefined : Number(text(name)));
const flag = (name) => text(name) === "1";

// Better Auth looks at which members exist, so an option that was not given must be absent.
const given = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

// A number is an absolute epoch for Better Auth, a string such as "15m" a duration.
const expirationTime = () => {
  const value = text("EXPIRATION_TIME");
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : value;
};

const audience = () => {
  const several = list("AUDIENCE");
  return several?.length === 1 ? several[0] : several;
};

const signHs256 = async (claims) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(process.env.BETTER_AUTH_SECRET));

const payloads = {
  // What back ends ask for whose routes read `user_id`.
  user_id: ({ user }) => ({ user_id: user.id, email: user.email }),
  // Roles and other facts beside the identity.
  role: ({ user }) => ({ email: user.email, role: "admin" }),
  sid: definePayload,
};

// Who is told of the end of a session: nobody, or the API, of the user or of the session alone.
const revocationHooks = { user: databaseHooks, session: hooksByDevice };

const jwksOptions = () =>
  given({
    keyPairConfig: text("ALGORITHM") && { alg: text("ALGORITHM") },
    rotationInterval: number("ROTATION_INTERVAL"),
    gracePeriod: number("GRACE_PERIOD"),
    jwksPath: text("JWKS_PATH"),
  });

// A custom `sign` obliges Better Auth's user to name a remote key set, which then is the
// only one: the server's own `/jwks` is gone.
const customSignJwks = { remoteUrl: "http://127.0.0.1:9/jwks", keyPairConfig: { alg: "EdDSA" } };

export const jwtOptions = () => ({
  jwks: flag("SIGN_HS256") ? customSignJwks : jwksOptions(),
  jwt: given({
    issuer: text("ISSUER"),
    audience: audience(),
    expirationTime: expirationTime(),
    definePayload: payloads[text("DEFINE_PAYLOAD")],
    sign: flag("SIGN_HS256") ? signHs256 : undefined,
  }),
  ...(flag("SESSION_COOKIE_CACHE") ? { sessionCookieCache: true } : {}),
});

export const withJwtPlugin = () => !flag("NO_JWT_PLUGIN");

// Until 1.4 serial ids were an option of their own.
const databaseOptions = () =>
  text("GENERATE_ID") === "serial" && text("PACKAGE")?.startsWith("better-auth-1.3.")
    ? { useNumberId: true }
    : { generateId: text("GENERATE_ID") };

const cookieCache = () =>
  text("COOKIE_CACHE") && {
    cookieCache: { enabled: true, maxAge: 300, strategy: text("COOKIE_CACHE") },
  };

export const authOptions = ({ url, database, plugins, sendVerificationEmail }) =>
  given({
    baseURL: text("BASE_URL") ?? url,
    database,
    plugins,
    telemetry: { enabled: false },
    rateLimit: { enabled: flag("RATE_LIMIT") },
    trustedOrigins: [url],
    emailAndPassword: { enabled: true },
    emailVerification: { sendOnSignUp: true, sendVerificationEmail },
    session: cookieCache(),
    databaseHooks: revocationHooks[text("REVOKES")],
    advanced: text("GENERATE_ID") && { database: databaseOptions() },
  });

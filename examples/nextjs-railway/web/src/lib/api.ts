// Calls to the back end, with a token that lives in memory and is renewed before it expires.

const API = process.env.NEXT_PUBLIC_API_URL;
const RENEW_BEFORE = 60; // seconds

export type Task = { id: number; title: string; done: boolean };

let held: { token: string; user: string; renewAt: number } | null = null;

/** Forget the token, as on sign-out. */
export function forgetToken() {
  held = null;
}

export const listTasks = () => call<Task[]>("GET", "/tasks");
export const addTask = (title: string) => call<Task>("POST", "/tasks", { title });
export const changeTask = (task: Task) => call<Task>("PUT", `/tasks/${task.id}`, task);
export const deleteTask = (id: number) => call<null>("DELETE", `/tasks/${id}`);

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let answer = await send(method, path, body);
  if (answer.status === 401) {
    forgetToken(); // the session may still be good: one new token, one more try
    answer = await send(method, path, body);
  }
  if (!answer.ok) throw new Error(`the back end answered ${answer.status}`);
  return answer.status === 204 ? (null as T) : ((await answer.json()) as T);
}

async function send(method: string, path: string, body?: unknown) {
  const { token, user } = await currentToken();
  return fetch(`${API}/api/user/${encodeURIComponent(user)}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

async function currentToken() {
  if (held === null || Date.now() / 1000 >= held.renewAt) held = await fetchToken();
  return held;
}

async function fetchToken() {
  const answer = await fetch("/api/auth/token");
  if (!answer.ok) throw new Error("nobody is signed in");
  const { token } = (await answer.json()) as { token: string };
  const { sub, iat, exp } = claimsOf(token);
  // By the token's own clock: this machine's may be another.
  return { token, user: sub, renewAt: Date.now() / 1000 + (exp - iat) - RENEW_BEFORE };
}

function claimsOf(token: string): { sub: string; iat: number; exp: number } {
  const middle = token.split(".")[1] ?? "";
  const bytes = Uint8Array.from(atob(middle.replaceAll("-", "+").replaceAll("_", "/")), (c) =>
    c.charCodeAt(0),
  );
  return JSON.parse(new TextDecoder().decode(bytes));
}

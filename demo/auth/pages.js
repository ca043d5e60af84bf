// Static pages under a strict Content-Security-Policy, and the addresses that they work with.
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const PLAIN_NAME = /^(?:\/[a-z0-9][a-z0-9-]*)+\.[a-z0-9]+$/;
// What both front ends look like; each origin serves its own copy.
const SHARED = {
  "/theme.css": fileURLToPath(new URL("../web/theme.css", import.meta.url)),
  "/icon.svg": fileURLToPath(new URL("../web/icon.svg", import.meta.url)),
  "/fonts/inter.woff2": font("inter"),
  "/fonts/jetbrains-mono.woff2": font("jetbrains-mono"),
};

/**
 * Give a handler for the files of one folder, `/config.json` and the shared look.
 *
 * @param {string} folder whose `index.html` is the page
 * @param {Record<string, string>} config what `/config.json` answers; `api` is the back end's origin
 */
export function pages(folder, config) {
  const headers = securityHeaders(config.api);
  return async (request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, headers);
    if (pathname === "/config.json") {
      const json = { ...headers, "Content-Type": "application/json" };
      return send(response, 200, json, JSON.stringify(config));
    }
    const path = fileOf(folder, pathname === "/" ? "/index.html" : pathname);
    const body = path && (await readFile(path).catch(() => undefined));
    if (!body) return send(response, 404, headers);
    send(response, 200, { ...headers, "Content-Type": TYPES[extname(path)] }, body);
  };
}

function fileOf(folder, pathname) {
  if (Object.hasOwn(SHARED, pathname)) return SHARED[pathname];
  // Only plain names: no dots that climb, no escapes, nothing hidden.
  if (!PLAIN_NAME.test(pathname) || !(extname(pathname) in TYPES)) return undefined;
  return join(folder, pathname);
}

function font(name) {
  const file = `@fontsource-variable/${name}/files/${name}-latin-wght-normal.woff2`;
  return fileURLToPath(import.meta.resolve(file));
}

function securityHeaders(api) {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${api}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "Content-Security-Policy": policy.join("; "),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
  };
}

function send(response, status, headers, body) {
  response.writeHead(status, headers);
  response.end(body);
}

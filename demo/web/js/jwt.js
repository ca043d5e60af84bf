// Reading a token, for show only: whether it is to be believed is for the back end to say.

/** Give the token's parts: header and claims decoded, the signature left as it is. */
export function decode(token) {
  const [header, claims, signature] = token.split(".");
  return { header: parse(header), claims: parse(claims), signature };
}

/** Give the same token with other claims under the old signature, as a forger without keys would. */
export function tamper(token, changes) {
  const [header, claims, signature] = token.split(".");
  return [header, encode({ ...parse(claims), ...changes }), signature].join(".");
}

function parse(part) {
  const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
}

function encode(value) {
  const binary = String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

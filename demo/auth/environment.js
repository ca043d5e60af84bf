// Settings come from environment variables, and a missing one stops the start by its name.

/** @param {string} name */
export function environment(name) {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set: start the demo with \`python -m demo\``);
  return process.exit(1);
}

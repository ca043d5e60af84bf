// Creates Better Auth's tables, or brings them up to date.
import { getMigrations } from "better-auth/db/migration";

import { auth } from "../src/lib/auth";

const { toBeCreated, toBeAdded, runMigrations } = await getMigrations(auth.options);
await runMigrations();
console.log(`created ${toBeCreated.length} tables, changed ${toBeAdded.length}`);
process.exit(0);

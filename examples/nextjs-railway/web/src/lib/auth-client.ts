import { createAuthClient } from "better-auth/react";

// The page and /api/auth are one origin: no address is needed.
export const authClient = createAuthClient();

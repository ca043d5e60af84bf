import type { NextConfig } from "next";

// A self-contained server for the Docker image; Vercel makes its own and ignores this.
const config: NextConfig = { output: "standalone" };

export default config;

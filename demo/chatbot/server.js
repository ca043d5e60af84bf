// A second front end on an origin of its own: static files, no session, no secret.
import { fileURLToPath } from "node:url";
import { environment } from "../auth/environment.js";
import { pages } from "../auth/pages.js";
import { serve } from "../auth/serve.js";

const folder = fileURLToPath(new URL("./web", import.meta.url));
const answer = pages(folder, { api: environment("API_URL"), page: environment("PAGE_URL") });
serve(environment("CHATBOT_URL"), answer);

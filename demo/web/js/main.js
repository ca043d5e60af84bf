// Puts the page together: who is signed in decides which half of it is shown.
import { createApi } from "./api.js";
import { createAttempts } from "./attempts.js";
import { createChatbotLink } from "./chatbot-link.js";
import { createSession } from "./session.js";
import { createSignIn } from "./sign-in.js";
import { attempt, createTasks } from "./tasks.js";
import { createWire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const config = await (await fetch("/config.json")).json();
let shownUser = null;

const wire = createWire();
const session = createSession(showWhoIsHere);
const api = createApi(config.api, session, wire.show);
const tasks = createTasks(api, () => session.current.user.id);
const chatbot = createChatbotLink(config.chatbot, session);
const attempts = createAttempts(api, session);

createSignIn(session);
$("open-chatbot").addEventListener("click", chatbot.open);
$("sign-out").addEventListener("click", () => void attempt(session.signOut));
for (const button of document.querySelectorAll("[data-try]")) {
  button.addEventListener("click", () => void attempt(() => tryOut(button)));
}
await session.renew();
if (!session.current) showWhoIsHere(null);

/** Show the half that fits; a renewed token of the same person changes nothing but the clock. */
function showWhoIsHere(held) {
  wire.clock(held);
  const user = held?.user ?? null;
  $("loading").hidden = true;
  if (user && user.id === shownUser?.id) return;
  shownUser = user;
  $("welcome").hidden = user !== null;
  $("workspace").hidden = user === null;
  $("account").hidden = user === null;
  $("account-name").textContent = user?.name ?? "";
  tasks.clear();
  wire.clear();
  if (user) {
    void tasks.load();
    $("new-task").focus();
  } else {
    chatbot.signedOut();
  }
}

async function tryOut(button) {
  button.disabled = true;
  try {
    await attempts[button.dataset.try]();
  } finally {
    button.disabled = false;
    button.focus();
  }
}

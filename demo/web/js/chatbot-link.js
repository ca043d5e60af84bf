// Hands the short-lived token to the chatbot, which is on another origin and has no session.

/** Answer the chatbot's requests for a token; only its exact origin asks, only it is answered. */
export function createChatbotLink(origin, session) {
  const windows = new Set();

  addEventListener("message", async (event) => {
    if (event.origin !== origin || event.data?.type !== "token-request") return;
    windows.add(event.source);
    const token = await session.token();
    event.source.postMessage(token ? { type: "token", token } : { type: "signed-out" }, origin);
  });

  return {
    open: () => window.open(origin, "betterguard-chatbot"),
    signedOut() {
      for (const chatbot of windows) chatbot.postMessage({ type: "signed-out" }, origin);
      windows.clear();
    },
  };
}

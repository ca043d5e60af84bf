// An HTTP server on one origin, which ends at once and completely when it is told to.
import { createServer } from "node:http";

/**
 * Serve `handle` at `origin`, on loopback, until SIGTERM or SIGINT; then run `close`.
 *
 * @param {string} origin such as `http://127.0.0.1:3000`
 * @param {(request: import("node:http").IncomingMessage,
 *          response: import("node:http").ServerResponse) => unknown} handle
 * @param {() => unknown} [close]
 */
export function serve(origin, handle, close = () => {}) {
  const { hostname, port, host } = new URL(origin);
  const server = createServer(async (request, response) => {
    try {
      // One origin, one name: `localhost` has other cookies and is not in FRONTEND_URL.
      if (request.headers.host !== host) return redirect(response, origin + request.url);
      if (request.url === "/healthz") return response.end("ok");
      await handle(request, response);
    } catch (error) {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  });
  server.on("error", (error) => {
    console.error(`cannot listen on ${origin}: ${error.message}`);
    process.exit(1);
  });
  server.listen(Number(port), hostname, () => console.log(`listening on ${origin}`));
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stop(server, close));
}

function redirect(response, target) {
  response.writeHead(307, { Location: target });
  response.end();
}

function stop(server, close) {
  server.close(async () => {
    await close();
    process.exit(0);
  });
  // `close` waits for keep-alive connections, which a browser holds open.
  server.closeAllConnections();
}

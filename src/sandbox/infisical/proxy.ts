import type { AccessProxy } from "./state.ts";

const FORBIDDEN = page(
  "Access denied",
  "<h1>403 Forbidden</h1><p>You do not have permission to view this page.</p>",
);
const LOGIN = page(
  "Sign in",
  '<h1>Sign in</h1><form method="post" action="/cdn-cgi/access/login"><input name="email"><button>Send me a code</button></form>',
);

/** The proxy's own reply to a request without its headers; null where the request passes. It knows no route and no JSON. */
export function stoppedByProxy(proxy: AccessProxy | null, request: Request): Response | null {
  if (proxy === null) return null;
  const id = request.headers.get("cf-access-client-id");
  const secret = request.headers.get("cf-access-client-secret");
  if (id === proxy.clientId && secret === proxy.clientSecret) return null;
  const headers = { "content-type": "text/html; charset=utf-8" };
  // Nothing lies behind this path but the proxy itself, which lets nobody in.
  const login = `/cdn-cgi/access/login?redirect_url=${encodeURIComponent(new URL(request.url).pathname)}`;
  switch (proxy.answers ?? "forbidden") {
    case "forbidden":
      return new Response(FORBIDDEN, { status: 403, headers });
    case "login":
      return new Response(LOGIN, { status: 200, headers });
    case "redirect":
      if (new URL(request.url).pathname === "/cdn-cgi/access/login")
        return new Response(LOGIN, { status: 200, headers });
      return new Response(null, { status: 302, headers: { ...headers, location: login } });
  }
}

function page(title: string, body: string): string {
  return `<!DOCTYPE html><html><head><title>${title}</title></head><body>${body}</body></html>`;
}

// Requests to the monitor's server, with the token that lets this page read and write.

const TOKEN = "tcpcomm-monitor-token";

let token = takeToken();

// The token comes in the address after "#", where no log of a proxy sees it. It leaves the address bar at once.
function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found === null) return sessionStorage.getItem(TOKEN);
  history.replaceState(null, "", location.pathname + location.search);
  sessionStorage.setItem(TOKEN, found);
  return found;
}

// Use another token from now on, for as long as this tab is open.
export function useToken(text) {
  token = text.trim();
  sessionStorage.setItem(TOKEN, token);
}

// A refusal of the server: its words, the status, and the field of a form that is wrong.
export class ApiError extends Error {
  constructor(text, status, field = null) {
    super(text);
    this.status = status;
    this.field = field;
  }
}

// Return the address of a path for a link or an EventSource, which cannot send a header.
export function url(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  if (token) query.set("token", token);
  return `api/${path}?${query}`;
}

export function get(path, parameters = {}) {
  return request(`api/${path}?${new URLSearchParams(parameters)}`, {});
}

export function post(path, body) {
  return request(`api/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
}

async function request(address, options) {
  const headers = { ...options.headers, ...(token ? { "X-Tcpcomm-Token": token } : {}) };
  let response;
  try {
    response = await fetch(address, { ...options, headers, cache: "no-store" });
  } catch (error) {
    throw new ApiError(String(error.message ?? error), 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new ApiError(answer.error ?? `HTTP ${response.status}`, response.status, answer.field);
}
